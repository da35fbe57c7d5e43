-- name: wait_in_turn(keys)
-- scope: none, takes advisory locks, in one order for all
select pg_advisory_xact_lock(one.number)
  from (select distinct hashtextextended(key, 0) as number from unnest(:keys::text[]) as key order by 1) as one;

-- name: asked(address, device_id, mobile_index, firm)^
-- record_class: Asked
-- scope: none, counts and ages alone
select (select count(*) from one_time_code
         where address = :address and purpose <> 'activate' and created_at > now() - interval '1 hour') as address,
       (select count(*) from one_time_code
         where device_id = :device_id and purpose <> 'activate' and created_at > now() - interval '1 hour') as device,
       (select count(*) from (select from one_time_code
                               where mobile_index is not null and created_at > now() - interval '1 hour'
                               limit :firm) as sent) as firm,
       (select count(*) from one_time_code
         where mobile_index = :mobile_index and created_at > now() - interval '1 minute') as number_minute,
       (select count(*) from one_time_code
         where mobile_index = :mobile_index and created_at > now() - interval '1 hour') as number_hour,
       (select count(*) from one_time_code
         where mobile_index = :mobile_index and created_at > now() - interval '1 day') as number_day;

-- name: wait(address, device_id, mobile_index, per_address, per_device, per_number, firm)$
-- scope: none, an age
-- Once the n-th newest of a span is older than the span, its limit of n refuses no more.
with lately as materialized (
  select created_at, address = :address and purpose <> 'activate' as of_address,
         device_id = :device_id and purpose <> 'activate' as of_device, mobile_index = :mobile_index as of_number
    from one_time_code
   where created_at > now() - interval '1 day'
     and (address = :address or device_id = :device_id or mobile_index = :mobile_index)),
ends as (
  (select created_at + interval '1 hour' as at from lately where of_address
    order by created_at desc offset :per_address - 1 limit 1)
  union all
  (select created_at + interval '1 hour' from lately where of_device
    order by created_at desc offset :per_device - 1 limit 1)
  union all
  (select one.created_at + span.lasts
     from unnest(array[interval '1 minute', interval '1 hour', interval '1 day'], :per_number::integer[])
          as span(lasts, most)
    cross join lateral (select created_at from lately where of_number
                         order by created_at desc offset span.most - 1 limit 1) as one)
  union all
  (select created_at + interval '1 hour' from one_time_code where mobile_index is not null
    order by created_at desc offset :firm - 1 limit 1))
select extract(epoch from coalesce(max(at) filter (where at > clock_timestamp()), clock_timestamp() + interval '1 minute')
                          - clock_timestamp())::float8
  from ends;

-- name: end_older(audience, subject, purpose)!
-- scope: none, of the person who asks for a new one
update one_time_code set expires_at = now(), sealed = null
 where audience = :audience and subject = :subject and subject <> '' and purpose = :purpose
   and used_at is null and expires_at > now();

-- name: add(id, purpose, audience, subject, device_id, hash, sealed, mobile, mobile_index, address, seconds, about)!
-- scope: none, a code belongs to whoever asks
insert into one_time_code (id, purpose, audience, subject, device_id, hash, sealed, mobile, mobile_index, address,
                           expires_at, about)
values (:id, :purpose, :audience, :subject, :device_id, :hash, :sealed, :mobile, :mobile_index, :address,
        now() + make_interval(secs => :seconds), :about);

-- name: try_once(purpose, audience, subject, device_id, about)^
-- scope: none, whoever tries has no scope yet
update one_time_code set tries = tries + 1
 where id = (select id from one_time_code
              where audience = :audience and subject = :subject and purpose = :purpose and device_id = :device_id
                and about = :about and subject <> '' and used_at is null and expires_at > now()
              order by created_at desc, id desc limit 1)
   and tries < 5 and used_at is null and expires_at > now()
returning id, hash;

-- name: use(id)$
-- scope: none, whoever tried it just now
update one_time_code set used_at = now(), sealed = null
 where id = :id and used_at is null and expires_at > now()
returning true;
