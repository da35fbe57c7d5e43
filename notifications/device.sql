-- name: list_own(subject, audience)
-- record_class: Device
-- scope: none, subject and audience are the principal's, and the table's policy holds it too
select device_id, name, vendor, push_token is not null as push, app_version, seen_at, version
  from device
 where audience = :audience and subject = :subject and revoked_at is null
 order by seen_at desc, device_id
 limit 100;

-- name: find(subject, audience, device_id)^
-- record_class: Device
-- scope: none, subject and audience are the principal's, and the table's policy holds it too
select device_id, name, vendor, push_token is not null as push, app_version, seen_at, version
  from device
 where audience = :audience and subject = :subject and device_id = :device_id and revoked_at is null;

-- name: count(subject, audience)$
-- scope: none, a count of one's own
select count(*) from device where audience = :audience and subject = :subject and revoked_at is null;

-- name: put(subject, audience, device_id, name, vendor, push_token, app_version)!
-- scope: none, subject and audience are the principal's, and the table's policy holds it too
insert into device (audience, subject, device_id, name, vendor, push_token, app_version)
values (:audience, :subject, :device_id, :name, :vendor, :push_token, :app_version)
on conflict (audience, subject, device_id) do update
   set name = excluded.name, vendor = excluded.vendor, push_token = excluded.push_token,
       app_version = excluded.app_version, seen_at = now(), revoked_at = null, version = nextval('row_version'),
       changed_in = pg_current_xact_id();

-- name: revoke(subject, audience, device_id)!
-- scope: none, subject and audience are the principal's, and the table's policy holds it too
update device
   set revoked_at = now(), push_token = null, version = nextval('row_version'), changed_in = pg_current_xact_id()
 where audience = :audience and subject = :subject and device_id = :device_id and revoked_at is null;

-- name: sessions(subject, audience, device_id)
-- scope: none, one's own sessions
select id
  from session
 where audience = :audience and subject = :subject and device_id = :device_id and revoked_at is null
   and expires_at > now();

-- name: changed(subject, audience, since)$
-- scope: none, subject and audience are the principal's, and the table's policy holds it too
select exists (
    select from device
     where audience = :audience and subject = :subject and changed_in >= :since::text::xid8);
