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

-- name: oldest(address, device_id)$
-- scope: none, an age
select coalesce(extract(epoch from least(
           (select min(created_at) from one_time_code where address = :address and purpose <> 'activate'
                                                        and created_at > now() - interval '1 hour'),
           (select min(created_at) from one_time_code where device_id = :device_id and purpose <> 'activate'
                                                        and created_at > now() - interval '1 hour'))
           + interval '1 hour' - clock_timestamp()), 60)::float8;

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
