-- name: keep(gateway, gateway_id, at, number, sealed, meaning)!
-- scope: none, whoever writes to us need not be known
insert into inbound (gateway, gateway_id, at, number, sealed, meaning)
values (:gateway, :gateway_id, :at, :number, :sealed, :meaning)
on conflict do nothing;

-- name: before(gateway, gateway_id, at, number)$
-- scope: none, whoever writes to us need not be known
select exists (select from inbound
                where number = :number and meaning in ('opt_out', 'opt_out_all')
                  and at > :at::timestamptz - interval '24 hours' and at <= :at
                  and (gateway, gateway_id) <> (:gateway, :gateway_id));

-- name: people(number)
-- scope: none, a number stands for everybody who has it
select id from customer where mobile_index = :number
union
select customer_id from contact where mobile_index = :number
 order by id;
