-- name: use(gateway, signature)$
-- scope: none, signatures of machines
insert into gateway_signature (signature, gateway) values (:signature, :gateway)
on conflict (signature) do nothing
returning true;

-- name: give_back(signature)!
-- scope: none, signatures of machines
delete from gateway_signature where signature = :signature;

-- name: forget(window)!
-- scope: none, signatures of machines
delete from gateway_signature where ctid in (
    select ctid from gateway_signature where at < now() - :window::interval limit 5000);
