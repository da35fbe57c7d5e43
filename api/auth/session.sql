-- name: add(hash, session_id, seconds)$
-- scope: none, whoever holds the token
insert into refresh_token (hash, session_id, expires_at)
select :hash, id, least(now() + make_interval(secs => :seconds), expires_at) from session where id = :session_id
returning extract(epoch from expires_at - now())::float8;

-- name: hold(hash)^
-- scope: none, whoever holds the token
select t.session_id, t.used_at is not null as used, t.expires_at <= now() as outlived, s.audience, s.subject,
       s.device_id, s.revoked_at is not null or s.expires_at <= now() as ended
  from refresh_token t
  join session s on s.id = t.session_id
 where t.hash = :hash
   for update of t;

-- name: use(hash)!
-- scope: none, whoever holds the token
update refresh_token set used_at = now() where hash = :hash;

-- name: live(audience, subject, keep)$
-- scope: none, ids of one person's sessions
select coalesce(array_agg(id), '{}')
  from session
 where audience = :audience and subject = :subject and revoked_at is null and expires_at > now()
   and id is distinct from :keep;
