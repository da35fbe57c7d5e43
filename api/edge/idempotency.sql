-- name: lock(principal, key)$
-- scope: none, takes an advisory lock
select pg_try_advisory_xact_lock(hashtextextended(:principal || ' ' || :key, 0));

-- name: find(principal, key)^
select request, status, headers, body
  from idempotency
 where principal = :principal and key = :key and created_at > now() - interval '24 hours';

-- name: remember(principal, key, request, status, headers, body)!
insert into idempotency (principal, key, request, status, headers, body)
values (:principal, :key, :request, :status, :headers, :body)
on conflict (principal, key) do update
   set request = excluded.request, status = excluded.status, headers = excluded.headers, body = excluded.body,
       created_at = now();
