-- name: lock(key)$
-- scope: none, no row is read
select pg_try_advisory_xact_lock(:key);

-- name: without_time_limit()$
-- scope: none, no row is read
select set_config('statement_timeout', '0', true);

-- name: unsealed(size)
-- scope: none, the sealer chains everybody's rows
select a.id::text, ((extract(epoch from a.at) * 1000000)::bigint)::text, a.principal, a.session_id, a.device_id,
       a.request_id, a.action, a.noun, a.noun_id, a.before::text, a.after::text, a.reason
  from audit_unsealed u
  join audit a on a.id = u.audit_id
 order by u.audit_id
 limit :size;

-- name: chain()
-- scope: none, whoever verifies reads the whole log
select s.position, s.audit_id, s.hash, s.sealed_at,
       a.id::text, ((extract(epoch from a.at) * 1000000)::bigint)::text, a.principal, a.session_id, a.device_id,
       a.request_id, a.action, a.noun, a.noun_id, a.before::text, a.after::text, a.reason
  from audit_seal s
  left join audit a on a.id = s.audit_id
 order by s.position;

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

-- name: sealed_count()$
-- scope: none, a count
select count(*) from audit_seal;

-- name: waiting_count()$
-- scope: none, a count
select count(*) from audit_unsealed;

-- name: never_listed(size)
-- scope: none, ids only
select a.id
  from audit a
 where not exists (select from audit_seal s where s.audit_id = a.id)
   and not exists (select from audit_unsealed u where u.audit_id = a.id)
 order by a.id
 limit :size;

-- name: listed_without_row(size)
-- scope: none, ids only
select u.audit_id
  from audit_unsealed u
 where not exists (select from audit a where a.id = u.audit_id)
 order by u.audit_id
 limit :size;
