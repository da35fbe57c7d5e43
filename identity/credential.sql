-- name: accept(audience, subject, verified, step, rehashed)$
-- scope: none, whoever signs in has no scope yet
update credential
   set password = coalesce(:rehashed, password), totp_used = coalesce(:step, totp_used), totp_proven = totp_proven or :step::bigint is not null
 where audience = :audience and subject = :subject and (:step::bigint is null or totp_used < :step)
   and (:verified::text is null or password = :verified)
returning true;

-- name: find(audience, subject)^
-- record_class: Credential
-- scope: none, of one person who asks for their own
select password, totp, totp_used from credential where audience = :audience and subject = :subject;

-- name: set_password(audience, subject, before, password)$
-- scope: none, whoever may was checked before
insert into credential (audience, subject, password) values (:audience, :subject, :password)
on conflict (audience, subject) do update
   set password = excluded.password, changed_at = now(), version = nextval('row_version')
 where credential.password is not distinct from :before::text
returning true;

-- name: activate(audience, subject, password, totp)!
-- scope: none, the one-time code was the proof
insert into credential (audience, subject, password, totp) values (:audience, :subject, :password, :totp)
on conflict (audience, subject) do update
   set password = excluded.password, totp = excluded.totp, totp_used = 0, totp_proven = false,
       changed_at = now(), version = nextval('row_version');

-- name: clear(audience, subject)!
-- scope: none, whoever may was checked before
insert into credential (audience, subject) values (:audience, :subject)
on conflict (audience, subject) do update
   set password = null, totp = null, totp_used = 0, totp_proven = false, changed_at = now(), version = nextval('row_version');
