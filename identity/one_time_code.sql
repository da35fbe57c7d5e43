-- name: wait(purpose, asked_by, asked_for, mobile_index, device_id, address, network, per_person, per_number, per_device, per_address, per_network, firm)$
-- scope: none, ages alone
-- A limit of n refuses until the n-th newest code of its span is older than the span; null where none refuses.
-- Of somebody known device, address and network are null: they are counted for strangers alone.
with lately as materialized (
  select created_at, purpose = :purpose and asked_for = :asked_for as of_person,
         purpose = :purpose and mobile_index = :mobile_index as of_number, device_id = :device_id as of_device,
         address = :address as of_address, network = :network as of_network
    from one_time_code
   where asked_by = :asked_by and created_at > now() - interval '1 day'
     and (asked_for = :asked_for or mobile_index = :mobile_index or device_id = :device_id or address = :address
          or network = :network)),
spans as (
  select lasts, place from unnest(array[interval '1 minute', interval '1 hour', interval '1 day']) with ordinality
      as span(lasts, place)),
ends as (
  select one.created_at + span.lasts as at
    from spans as span
   cross join lateral (select created_at from lately where of_person
                        order by created_at desc offset (:per_person::integer[])[span.place] - 1 limit 1) as one
  union all
  select one.created_at + span.lasts
    from spans as span
   cross join lateral (select created_at from lately where of_number
                        order by created_at desc offset (:per_number::integer[])[span.place] - 1 limit 1) as one
  union all
  (select created_at + interval '1 hour' from lately where of_device
    order by created_at desc offset :per_device - 1 limit 1)
  union all
  (select created_at + interval '1 hour' from lately where of_address
    order by created_at desc offset :per_address - 1 limit 1)
  union all
  (select created_at + interval '1 hour' from lately where of_network
    order by created_at desc offset :per_network - 1 limit 1)
  union all
  (select created_at + interval '1 hour' from one_time_code where asked_by = :asked_by and mobile_index is not null
    order by created_at desc offset :firm - 1 limit 1))
select extract(epoch from max(at) - clock_timestamp())::float8 from ends where at > clock_timestamp();

-- name: end_older(audience, subject, purpose, device_id)!
-- scope: none, of the person who asks for a new one on this device
update one_time_code set expires_at = now(), sealed = null
 where audience = :audience and subject = :subject and subject <> '' and purpose = :purpose and device_id = :device_id
   and used_at is null and expires_at > now();

-- name: add(id, purpose, audience, subject, device_id, hash, sealed, mobile, mobile_index, address, seconds, about, asked_by, asked_for, network)!
-- scope: none, a code belongs to whoever asks
insert into one_time_code (id, purpose, audience, subject, device_id, hash, sealed, mobile, mobile_index, address,
                           expires_at, about, asked_by, asked_for, network)
values (:id, :purpose, :audience, :subject, :device_id, :hash, :sealed, :mobile, :mobile_index, :address,
        now() + make_interval(secs => :seconds), :about, :asked_by, :asked_for, :network);

-- name: try_once(purpose, audience, subject, device_id, about)^
-- scope: none, whoever tries has no scope yet
-- A code by hand is too long to be guessed and bound to no device: were its tries counted, anybody could use them up.
update one_time_code set tries = tries + 1
 where id = (select id from one_time_code
              where audience = :audience and subject = :subject and purpose = :purpose and device_id = :device_id
                and about = :about and subject <> '' and used_at is null and expires_at > now()
              order by created_at desc, id desc limit 1)
   and (tries < 5 or purpose = 'activate') and used_at is null and expires_at > now()
returning id, hash;

-- name: use(id)$
-- scope: none, whoever tried it just now
update one_time_code set used_at = now(), sealed = null
 where id = :id and used_at is null and expires_at > now()
returning true;

-- name: find_waiting(id)^
-- record_class: Waiting
-- scope: none, the worker sends it on behalf of whoever asked
select c.id, c.purpose, c.sealed, c.mobile, coalesce(p.language, 'zh') as language, c.created_at, c.expires_at, c.about
  from one_time_code c
  left join customer on c.audience = 'investor' and customer.customer_no = c.subject
  left join preference p on p.customer_id = customer.id
 where c.id = :id and c.sealed is not null and c.mobile is not null and c.used_at is null
   and c.expires_at > clock_timestamp();

-- name: forget(id)!
-- scope: none, what was sent, or can be sent no more
update one_time_code set sealed = null where id = :id and sealed is not null;
