-- name: take_back(silence, urgent)$
-- scope: none, jobs hold ids only; of a living worker, too, a claim that is over: that could not say that it gave up.
-- A claim ends after it began: what a worker before 0035 claims still bears the end of the pause before it
with alive as (
    select id from worker where seen_at > now() - make_interval(secs => :silence)
), held as (
    select event_id, handler from job
     where state = 'running'
       and (held_until > started_at and held_until < now() or worker not in (select id from alive)
                                  and started_at < now() - make_interval(secs => :silence / 6))
       for update skip locked
), freed as (
    update job set state = 'waiting', worker = null, held_until = null, version = version + 1
      from held where job.event_id = held.event_id and job.handler = held.handler
    returning job.*
), again as (
    insert into outbox (event_id, kind, handler, payload, request_id, trace, urgent)
    select event_id, kind, handler, payload, request_id, trace, handler = any(:urgent::text[]) from freed
)
select count(*) from freed;
