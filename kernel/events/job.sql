-- name: list_open(state, after_at, after_id, after_handler, size)
-- record_class: Job
-- scope: none, jobs hold ids only; the permission job.read guards them
select event_id, handler, kind, state, attempts, error, started_at, version
  from job
 where state = :state
   and (started_at, event_id, handler) < (:after_at, :after_id, :after_handler)
 order by started_at desc, event_id desc, handler desc
 limit :size;

-- name: find(event_id, handler)^
-- record_class: Job
-- scope: none, jobs hold ids only; the permission job.read guards them
select event_id, handler, kind, state, attempts, error, started_at, version
  from job
 where event_id = :event_id and handler = :handler;

-- name: find_for_update(event_id, handler)^
-- record_class: Job
-- scope: none, jobs hold ids only; the permission job.retry guards them
select event_id, handler, kind, state, attempts, error, started_at, version
  from job
 where event_id = :event_id and handler = :handler
   for update;

-- name: try_again(event_id, handler)^
-- record_class: Job
-- scope: none, jobs hold ids only; the permission job.retry guards them
with again as (
    update job set state = 'waiting', attempts = 0, error = null, held_until = null, version = version + 1
     where event_id = :event_id and handler = :handler and state = 'set_aside'
    returning *
), sent as (
    insert into outbox (event_id, kind, handler, payload, request_id, trace)
    select event_id, kind, handler, payload, request_id, trace from again
)
select event_id, handler, kind, state, attempts, error, started_at, version from again;
