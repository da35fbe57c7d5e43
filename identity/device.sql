-- name: list(subject, audience, revoked)
-- record_class: Device
-- scope: none, of one person, whom the caller has checked, and the table's policy holds it too
select device_id, name, vendor, push_token is not null as push, app_version, seen_at, revoked_at, version
  from device
 where audience = :audience and subject = :subject and (revoked_at is not null) = :revoked
 order by seen_at desc, device_id
 limit 100;

-- name: find(subject, audience, device_id)^
-- record_class: Device
-- scope: none, of one person, whom the caller has checked, and the table's policy holds it too
select device_id, name, vendor, push_token is not null as push, app_version, seen_at, revoked_at, version
  from device
 where audience = :audience and subject = :subject and device_id = :device_id;

-- name: count(subject, audience)$
-- scope: none, a count of one's own
select count(*) from device where audience = :audience and subject = :subject and revoked_at is null;

-- name: put(subject, audience, device_id, name, vendor, push_token, app_version)!
-- scope: none, subject and audience are the principal's, and the table's policy holds it too
insert into device (audience, subject, device_id, name, vendor, push_token, app_version)
values (:audience, :subject, :device_id, :name, :vendor, :push_token, :app_version)
on conflict (audience, subject, device_id) do update
   set name = excluded.name, vendor = excluded.vendor, push_token = excluded.push_token,
       app_version = excluded.app_version, seen_at = now(), version = nextval('row_version'),
       changed_in = pg_current_xact_id()
 where device.revoked_at is null;

-- name: greet(subject, audience, device_id, name, app_version)$
-- scope: none, of whoever has just proved who they are
insert into device (audience, subject, device_id, name, app_version)
values (:audience, :subject, :device_id, :name, :app_version)
on conflict (audience, subject, device_id) do update
   set name = coalesce(nullif(excluded.name, ''), device.name),
       app_version = coalesce(nullif(excluded.app_version, ''), device.app_version), seen_at = now(),
       version = nextval('row_version'), changed_in = pg_current_xact_id()
 where device.revoked_at is null
returning true;

-- name: see(subject, audience, device_id)!
-- scope: none, of whoever holds a refresh token
update device set seen_at = now() where audience = :audience and subject = :subject and device_id = :device_id;

-- name: allow(subject, audience, device_id)!
-- scope: none, of one person, whom the caller has checked, and the table's policy holds it too
update device
   set revoked_at = null, version = nextval('row_version'), changed_in = pg_current_xact_id()
 where audience = :audience and subject = :subject and device_id = :device_id;

-- name: revoke(subject, audience, device_id)!
-- scope: none, of one person, whom the caller has checked, and the table's policy holds it too
update device
   set revoked_at = now(), push_token = null, version = nextval('row_version'), changed_in = pg_current_xact_id()
 where audience = :audience and subject = :subject and device_id = :device_id and revoked_at is null;

-- name: sessions(subject, audience, device_id)
-- scope: none, sessions of one person, whom the caller has checked
select id
  from session
 where audience = :audience and subject = :subject and device_id = :device_id and revoked_at is null
   and expires_at > now();

-- name: changed(subject, audience, since)$
-- scope: none, subject and audience are the principal's, and the table's policy holds it too
select exists (
    select from device
     where audience = :audience and subject = :subject and changed_in >= :since::text::xid8);
