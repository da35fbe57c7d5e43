-- name: keep(gateway, gateway_id, at, digest, number, sealed, meaning)!
-- scope: none, whoever writes to us need not be known
insert into inbound as kept (gateway, gateway_id, at, digest, number, sealed, meaning)
values (:gateway, :gateway_id, :at, :digest, :number, :sealed, :meaning)
on conflict (gateway, gateway_id, at, digest) do update
   set meaning = excluded.meaning
 where kept.meaning in ('unknown_gateway', 'other_gateway')
   and excluded.meaning not in ('unknown_gateway', 'other_gateway'); -- believed now

-- name: list_named(gateways, but, size)
-- scope: none, whoever writes to us need not be known
select digest
  from inbound
 where meaning = 'unknown_gateway' and gateway = any (:gateways::text[]) and digest <> all (:but::bytea[])
 order by received_at
 limit :size;

-- name: of_named(gateways, digests)
-- record_class: Kept
-- scope: none, whoever writes to us need not be known
select gateway, gateway_id, at, digest, number, sealed, received_at
  from inbound
 where meaning = 'unknown_gateway' and gateway = any (:gateways::text[]) and digest = any (:digests::bytea[])
 order by received_at
   for update skip locked;

-- name: believe(gateway, gateway_id, at, digest, meaning)!
-- scope: none, whoever writes to us need not be known
update inbound set meaning = :meaning
 where gateway = :gateway and gateway_id = :gateway_id and at = :at and digest = :digest;

-- name: before(gateway, gateway_id, at, number)$
-- scope: none, whoever writes to us need not be known
select exists (select from inbound
                where number = :number and meaning in ('opt_out', 'opt_out_all')
                  and at > :at::timestamptz - interval '24 hours' and at <= :at
                  and (gateway, gateway_id) <> (:gateway, :gateway_id));

-- name: people(number, purpose, since)
-- scope: none, a number stands for everybody who has it
select theirs.id
  from (select id from customer where mobile_index = :number
         union
        select customer_id from contact where mobile_index = :number) as theirs
 where not exists (select from consent k -- allowed again, after the reply came and before its gateway was named
                    where k.customer_id = theirs.id and k.purpose = :purpose and k.channel = 'sms' and k.topic = ''
                      and k.allowed and k.source <> 'staff' and k.at > :since::timestamptz)
 order by theirs.id;
