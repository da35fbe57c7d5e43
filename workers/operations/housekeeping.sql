-- name: forget_idempotency(window, size)!
-- scope: none, the policy `outlived` of the table shows this handler what is older than 24 hours
-- writes: idempotency, an answer has a time to live, whoever gave it
delete from idempotency where ctid in (
    select ctid from idempotency where created_at < now() - :window::interval limit :size);

-- name: forget_job(window, size)!
-- scope: none, a done job is only the memory that it was done
delete from job where ctid in (
    select ctid from job where state = 'done' and finished_at < now() - :window::interval limit :size
    for update skip locked);

-- name: forget_schedule_run(window, size)!
-- scope: none, schedules belong to nobody
delete from schedule_run where ctid in (
    select ctid from schedule_run where due_at < now() - :window::interval limit :size);

-- name: forget_probe(window, size)!
-- scope: none, a probe belongs to nobody
delete from probe where ctid in (
    select ctid from probe where sent_at < now() - :window::interval limit :size);

-- name: forget_worker(window, size)!
-- scope: none, workers belong to nobody
delete from worker where ctid in (
    select ctid from worker where seen_at < now() - :window::interval limit :size);

-- name: forget_session(window, size)!
-- scope: none, sessions that ended long ago are nobody's any more
-- writes: session, what has ended has a time to be kept
delete from session where ctid in (
    select ctid from session where expires_at < now() - :window::interval limit :size);

-- name: forget_one_time_code(window, size)!
-- scope: none, a code that is two days old is nobody's any more
-- writes: one_time_code, what has outlived its purpose goes
delete from one_time_code where ctid in (
    select ctid from one_time_code where created_at < now() - :window::interval limit :size);

-- name: forget_refresh_token(window, size)!
-- scope: none, an outlived token opens nothing, used or not
-- writes: refresh_token, what has outlived its purpose goes
delete from refresh_token where ctid in (
    select ctid from refresh_token where expires_at < now() - :window::interval limit :size);

-- name: forget_oidc_request(window, size)!
-- scope: none, whoever began did not come back in time
-- writes: oidc_request, what has outlived its purpose goes
delete from oidc_request where ctid in (
    select ctid from oidc_request where expires_at < now() - :window::interval limit :size);

-- name: forget_sign_in_attempt(window, size)!
-- scope: none, attempts belong to nobody
-- writes: sign_in_attempt, what has outlived its purpose goes
delete from sign_in_attempt where ctid in (
    select ctid from sign_in_attempt
     where at < now() - :window::interval or subject = '' and at < now() - interval '1 hour' limit :size);

-- name: forget_customer_left(window, size)!
-- scope: none, the policy shows the system what everybody's phones were to forget
-- writes: customer_left, no cursor of a phone is that old
delete from customer_left where ctid = any (array (
    select ctid from customer_left where left_at < now() - :window::interval limit :size));
