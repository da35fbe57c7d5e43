-- name: add(hash, session_id, seconds, access_at)$
-- scope: none, whoever holds the token
insert into refresh_token (hash, session_id, expires_at, access_at)
select :hash, id, least(now() + make_interval(secs => :seconds), expires_at), :access_at
  from session
 where id = :session_id
returning extract(epoch from expires_at - now())::float8;

-- name: hold(hash, grace)^
-- scope: none, whoever holds the token
select t.session_id, t.used_at is not null as used, t.expires_at <= now() as outlived,
       t.used_at > clock_timestamp() - make_interval(secs => :grace) as just_now, s.audience, s.subject,
       s.device_id, s.revoked_at is not null or s.expires_at <= now() as ended
  from refresh_token t
  join session s on s.id = t.session_id
 where t.hash = :hash
   for update of t;

-- name: use(hash)!
-- scope: none, whoever holds the token
update refresh_token set used_at = now() where hash = :hash;

-- name: unused(hash)^
-- scope: none, whoever holds the token before it
select extract(epoch from expires_at - now())::float8 as seconds, access_at
  from refresh_token
 where hash = :hash and used_at is null and expires_at > now()
   for update;

-- name: live(audience, subject, keep)$
-- scope: none, ids of one person's sessions
select coalesce(array_agg(id), '{}')
  from session
 where audience = :audience and subject = :subject and revoked_at is null and expires_at > now()
   and id is distinct from :keep;
