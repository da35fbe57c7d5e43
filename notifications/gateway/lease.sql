-- name: hold(ids, sealed, lease, gateway, purpose, seconds)
-- scope: none, messages belong to the gateway that holds them
with taken as (
    insert into sms_lease as held (id, lease, gateway, purpose, sealed, until)
    select id, :lease, :gateway, :purpose, sealed, now() + make_interval(secs => :seconds)
      from unnest(:ids::uuid[], :sealed::bytea[]) as given (id, sealed)
    on conflict (id) do update
       set lease = excluded.lease, gateway = excluded.gateway, purpose = excluded.purpose, sealed = excluded.sealed,
           until = excluded.until, done = false, taken_back_until = null
     where held.until < now()
    returning id, gateway
), noted as (
    insert into sms_leased (id, gateway)
    select id, gateway from taken
    on conflict (id, gateway) do update set returned = false, at = excluded.at
)
select id from taken;

-- name: settle(lease, gateway, ids)
-- scope: none, a gateway settles what it holds itself
update sms_lease
   set done = true
 where lease = :lease and gateway = :gateway and id = any(:ids::uuid[]) and (done or until > now())
returning id;

-- name: take_back(claim, seconds, size)
-- record_class: Overdue
-- scope: none, what was not acknowledged is nobody's any more, and under its new lease nobody can acknowledge it
update sms_lease
   set lease = :claim, taken_back_until = now() + make_interval(secs => :seconds)
 where id = any (array (select id from sms_lease
                         where until < now() and (taken_back_until is null or taken_back_until < now())
                         order by until
                         limit :size
                           for update skip locked))
returning id, purpose, sealed, done;

-- name: let_go(claim)!
-- scope: none, what could not go back is anybody's to put back
update sms_lease set taken_back_until = null where lease = :claim;

-- name: remove(claim, ids)!
-- scope: none, what was settled or has gone back to its queue, where whoever takes it speaks for it too; what somebody leased
-- from there meanwhile is theirs
with gone as (
    delete from sms_lease where lease = :claim and id = any(:ids::uuid[]) returning id, gateway, done
)
update sms_leased as noted set returned = true
  from gone
 where noted.id = gone.id and noted.gateway = gone.gateway and not gone.done;

-- name: forget(window)!
-- scope: none, of messages that no receipt comes for any more
delete from sms_leased where ctid = any (array (
    select ctid from sms_leased where at < now() - :window::interval limit 5000));
