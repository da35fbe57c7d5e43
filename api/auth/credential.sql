-- name: wait_for_address(address)!
-- scope: none, takes an advisory lock
select pg_advisory_xact_lock(hashtextextended('sign in ' || :address, 0));

-- name: count_address(address, most)$
-- scope: none, attempts belong to nobody
insert into sign_in_attempt (address)
select :address
 where (select count(*) from sign_in_attempt
         where address = :address and at > now() - interval '10 minutes') < :most::bigint
returning 1;

-- name: address_wait(address)$
-- scope: none, attempts belong to nobody
select coalesce(extract(epoch from min(at) + interval '10 minutes' - clock_timestamp()), 1)::float8
  from sign_in_attempt
 where address = :address and at > now() - interval '10 minutes';

-- name: forgive_address(address, count)!
-- scope: none, attempts belong to nobody
delete from sign_in_attempt
 where ctid = any (array(select ctid from sign_in_attempt where address = :address
                          order by at desc limit :count for update skip locked));

-- name: charge(audience, subject)^
-- record_class: Credential
-- scope: none, whoever signs in has no scope yet
insert into credential (audience, subject, failures)
select :audience, :subject, 1
 where :subject <> ''
on conflict (audience, subject) do update
   set failures = credential.failures + 1,
       locked_until = case when credential.failures >= 4
                           then now() + make_interval(secs => least(3600, 60 * 2 ^ least(credential.failures - 4, 10)))
                      end
 where credential.locked_until is null or credential.locked_until <= now()
returning password, totp, totp_used;

-- name: accept(audience, subject, verified, step, rehashed)$
-- scope: none, whoever signs in has no scope yet
update credential
   set failures = 0, locked_until = null, password = coalesce(:rehashed, password),
       totp_used = coalesce(:step, totp_used), totp_proven = totp_proven or :step::bigint is not null
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
   set password = excluded.password, failures = 0, locked_until = null, changed_at = now(),
       version = nextval('row_version')
 where credential.password is not distinct from :before::text
returning true;

-- name: activate(audience, subject, password, totp)!
-- scope: none, the one-time code was the proof
insert into credential (audience, subject, password, totp) values (:audience, :subject, :password, :totp)
on conflict (audience, subject) do update
   set password = excluded.password, totp = excluded.totp, totp_used = 0, totp_proven = false, failures = 0,
       locked_until = null, changed_at = now(), version = nextval('row_version');

-- name: clear(audience, subject)!
-- scope: none, whoever may was checked before
insert into credential (audience, subject) values (:audience, :subject)
on conflict (audience, subject) do update
   set password = null, totp = null, totp_used = 0, totp_proven = false, failures = 0, locked_until = null,
       changed_at = now(), version = nextval('row_version');
