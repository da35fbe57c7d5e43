-- name: lock(key)$
-- scope: none, no row is read
select pg_try_advisory_xact_lock(:key);

-- name: unsealed(size)
-- scope: none, the sealer chains everybody's rows
select a.id::text, ((extract(epoch from a.at) * 1000000)::bigint)::text, a.principal, a.session_id, a.device_id,
       a.request_id, a.action, a.noun, a.noun_id, a.before::text, a.after::text, a.reason
  from audit_unsealed u
  join audit a on a.id = u.audit_id
 order by u.audit_id
 limit :size;

-- name: chain(after, last, size)
-- scope: none, whoever verifies reads the whole log
select s.position, s.audit_id, s.hash, s.sealed_at,
       a.id::text, ((extract(epoch from a.at) * 1000000)::bigint)::text, a.principal, a.session_id, a.device_id,
       a.request_id, a.action, a.noun, a.noun_id, a.before::text, a.after::text, a.reason
  from audit_seal s
  left join audit a on a.id = s.audit_id
 where s.position > :after and s.position <= :last
 order by s.position
 limit :size;

-- name: seal(positions, audit_ids, hashes, sealed_at)!
-- scope: none, seals belong to nobody
insert into audit_seal (position, audit_id, hash, sealed_at)
select n.position, n.audit_id, n.hash, :sealed_at::timestamptz
  from unnest(:positions::bigint[], :audit_ids::bigint[], :hashes::bytea[]) as n (position, audit_id, hash);

-- name: forget_unsealed(audit_ids)!
-- scope: none, ids only
delete from audit_unsealed where audit_id = any (:audit_ids::bigint[]);

-- name: last_seal()^
-- scope: none, seals belong to nobody
select position, hash, sealed_at from audit_seal order by position desc limit 1;

-- name: hash_at(position)$
-- scope: none, seals belong to nobody
select hash from audit_seal where position = :position;

-- name: lag()$
-- scope: none, an age and nothing else
select coalesce((select extract(epoch from clock_timestamp() - a.at)
                   from audit_unsealed u
                   join audit a on a.id = u.audit_id
                  order by u.audit_id
                  limit 1), 0)::float8;

-- name: last_row()$
-- scope: none, an id
select coalesce(max(id), 0) from audit;

-- name: waiting_count()$
-- scope: none, a count
select count(*) from audit_unsealed;

-- name: never_listed(after, last, size)^
-- scope: none, ids only
with page as (
    select id from audit where id > :after and id <= :last order by id limit :size
)
select max(p.id) as upto,
       array(select id from page
              where not exists (select from audit_seal s where s.audit_id = page.id)
                and not exists (select from audit_unsealed u where u.audit_id = page.id)
              order by id) as ids
  from page p;

-- name: listed_without_row(size)
-- scope: none, ids only
select u.audit_id
  from audit_unsealed u
 where not exists (select from audit a where a.id = u.audit_id)
 order by u.audit_id
 limit :size;
