-- name: wait(address, most)$
-- scope: none, attempts belong to nobody
-- Null while fewer than so many of 10 minutes were wrong or are under way.
select extract(epoch from at + interval '10 minutes' - clock_timestamp())::float8
  from sign_in_attempt
 where address = :address and at > clock_timestamp() - interval '10 minutes'
   and (wrong or at > clock_timestamp() - interval '1 minute')
 order by at desc
offset :most::bigint - 1
 limit 1;

-- name: begin(id, audience, subject, proof, address, device_id, strangers)$
-- scope: none, whoever signs in has no scope yet
-- False while locked: by what came from here, or by too many strangers' attempts at this person, of which one a minute
-- is looked at. An attempt that is not looked at is counted to its address alone.
with counted as (
  select address, device_id, at
    from sign_in_attempt
   where audience = :audience and subject = :subject and subject <> '' and proof = :proof
     and at > clock_timestamp() - interval '1 day' and (wrong or at > clock_timestamp() - interval '1 minute')),
here as (
  select count(*) as times, max(at) as last
    from counted
   where device_id = :device_id and (:device_id <> '' or address is not distinct from :address)),
others as (
  select count(*) as times, max(at) as last from counted where device_id = '' and address is not null),
found as (
  select coalesce(here.times >= 5 and clock_timestamp() < here.last
                    + make_interval(secs => least(3600, 60 * 2 ^ least(here.times - 5, 10))), false)
         or coalesce(others.times >= :strangers::bigint
                     and others.last > clock_timestamp() - interval '1 minute', false) as locked
    from here, others),
made as (
  insert into sign_in_attempt (id, at, audience, subject, proof, address, device_id, wrong)
  select :id, clock_timestamp(), :audience, case when locked then '' else :subject end, :proof, :address, :device_id,
         false
    from found)
select not locked from found;

-- name: fail(id)!
-- scope: none, attempts belong to nobody
update sign_in_attempt set wrong = true where id = :id;

-- name: forgive(id, audience, subject, address, device_id)!
-- scope: none, whoever succeeded
delete from sign_in_attempt
 where id = :id
    or audience = :audience and subject = :subject and subject <> '' and device_id = :device_id
       and (:device_id <> '' or address is not distinct from :address);

-- name: forgive_one(address)!
-- scope: none, attempts belong to nobody
delete from sign_in_attempt
 where ctid = any (array(select ctid from sign_in_attempt where address = :address and subject = ''
                          order by at desc limit 1 for update skip locked));

-- name: unlock(audience, subject)!
-- scope: none, whoever may was checked before
delete from sign_in_attempt where audience = :audience and subject = :subject and subject <> '';
