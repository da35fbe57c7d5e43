-- name: forget_answers(size)!
-- scope: none, the policy `outlived` of the table shows this handler what is older than 24 hours
delete from idempotency where ctid in (
    select ctid from idempotency where created_at < now() - interval '24 hours' limit :size);

-- name: forget_jobs(size)!
-- scope: none, a done job is only the memory that it was done
delete from job where ctid in (
    select ctid from job where state = 'done' and finished_at < now() - interval '7 days' limit :size
    for update skip locked);

-- name: forget_runs(size)!
-- scope: none, schedules belong to nobody
delete from schedule_run where ctid in (
    select ctid from schedule_run where due_at < now() - interval '90 days' limit :size);

-- name: forget_probes(size)!
-- scope: none, a probe belongs to nobody
delete from probe where ctid in (
    select ctid from probe where sent_at < now() - interval '1 day' limit :size);

-- name: forget_workers(size)!
-- scope: none, workers belong to nobody
delete from worker where ctid in (
    select ctid from worker where seen_at < now() - interval '1 day' limit :size);

-- name: forget_sessions(size)!
-- scope: none, sessions that ended long ago are nobody's any more
delete from session where ctid in (
    select ctid from session where expires_at < now() - interval '90 days' limit :size);
