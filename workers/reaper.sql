-- name: take_back(silence, urgent)$
-- scope: none, jobs hold ids only
with alive as (
    select id from worker where seen_at > now() - make_interval(secs => :silence)
), held as (
    select event_id, handler from job
     where state = 'running' and worker not in (select id from alive)
       and started_at < now() - make_interval(secs => :silence / 6)
       for update skip locked
), freed as (
    update job set state = 'waiting', worker = null, version = version + 1
      from held where job.event_id = held.event_id and job.handler = held.handler
    returning job.*
), again as (
    insert into outbox (event_id, kind, handler, payload, request_id, trace, urgent)
    select event_id, kind, handler, payload, request_id, trace, handler = any(:urgent::text[]) from freed
)
select count(*) from freed;
