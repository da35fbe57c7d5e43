-- name: put(ids, attempts, sealed, again_in, expire)!
-- scope: none, sealed, and nobody's but the sender's
insert into email_deferred as before (id, attempt, sealed, due_at)
select id, attempt, sealed, least(now() + make_interval(secs => again_in), greatest(expires_at, now()))
  from unnest(:ids::uuid[], :attempts::integer[], :sealed::bytea[], :again_in::float8[], :expire::timestamptz[])
       as given (id, attempt, sealed, again_in, expires_at)
 order by id
on conflict (id) do update
   set attempt = greatest(before.attempt, excluded.attempt), due_at = excluded.due_at,
       sealed = case when excluded.attempt < before.attempt then before.sealed else excluded.sealed end;

-- name: renew(ids, attempts, sealed)
-- scope: none, sealed, and nobody's but the sender's
with given as (
    select id, attempt, sealed
      from unnest(:ids::uuid[], :attempts::integer[], :sealed::bytea[]) as g (id, attempt, sealed)
), newer as (
    update email_deferred d set attempt = given.attempt, sealed = given.sealed
      from given
     where d.id = given.id and d.attempt < given.attempt
)
select d.id from email_deferred d join given on given.id = d.id;

-- name: claim(lease, size)
-- record_class: Due
-- scope: none, sealed, and nobody's but the sender's
update email_deferred d
   set due_at = now() + make_interval(secs => :lease)
 where d.id in (select id from email_deferred where due_at <= now() order by due_at limit :size for update skip locked)
returning d.id, d.sealed;

-- name: remove(ids)!
-- scope: none, sealed, and nobody's but the sender's
delete from email_deferred where id = any (:ids::uuid[]);

-- name: count()$
-- scope: none, a number
select count(*) from email_deferred;
