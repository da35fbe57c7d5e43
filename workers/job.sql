-- name: claim(event_id, handler, kind, payload, request_id, trace, worker, most, error)^
-- scope: none, jobs hold ids only
insert into job (event_id, handler, kind, payload, state, attempts, worker, request_id, trace)
values (:event_id, :handler, :kind, cast(cast(:payload as text) as jsonb), 'running', 1, :worker, :request_id, :trace)
on conflict (event_id, handler) do update
   set state = case when job.attempts >= :most then 'set_aside' else 'running' end,
       attempts = least(job.attempts + 1, :most),
       worker = excluded.worker,
       error = case when job.attempts >= :most then coalesce(job.error, :error) else job.error end,
       started_at = now(),
       finished_at = case when job.attempts >= :most then now() end,
       version = job.version + 1
 where job.state not in ('done', 'set_aside')
returning state, attempts, set_config('synchronous_commit', 'off', true);  -- not worth waiting for the disk, see job.py

-- name: finish(event_id, handler)^
-- scope: none, jobs hold ids only; what the handler does is recorded as the system's own
update job set state = 'done', payload = null, error = null, finished_at = now(), version = version + 1
 where event_id = :event_id and handler = :handler and state <> 'done'
returning set_config('hexad.principal', 'system:' || handler, true), set_config('hexad.scope', 'none', true),
          set_config('hexad.request', coalesce(request_id, ''), true);

-- name: fail(event_id, handler, worker, most, wait, error)$
-- scope: none, jobs hold ids only
with failed as (
    update job set state = case when attempts >= :most then 'set_aside' else 'waiting' end,
                   error = :error, worker = null, version = version + 1,
                   finished_at = case when attempts >= :most then now() end
     where event_id = :event_id and handler = :handler and state = 'running' and worker = :worker
    returning *
), again as (
    insert into outbox (event_id, kind, handler, payload, request_id, trace, available_at)
    select event_id, kind, handler, payload, request_id, trace,
           now() + make_interval(secs => :wait * power(4, attempts - 1))
      from failed where state = 'waiting'
)
select state from failed;

-- name: later(event_id, handler, kind, payload, request_id, trace, wait)!
-- scope: none, jobs hold ids only
insert into outbox (event_id, kind, handler, payload, request_id, trace, available_at)
values (:event_id, :kind, :handler, cast(cast(:payload as text) as jsonb), :request_id, :trace,
        now() + make_interval(secs => :wait));

-- name: set_aside(event_id, handler, kind, payload, request_id, trace, error)!
-- scope: none, jobs hold ids only
insert into job (event_id, handler, kind, payload, state, error, request_id, trace, finished_at)
values (:event_id, :handler, :kind, cast(cast(:payload as text) as jsonb), 'set_aside', :error, :request_id, :trace,
        now())
on conflict (event_id, handler) do update
   set state = 'set_aside', error = excluded.error, finished_at = now(), version = job.version + 1
 where job.state not in ('done', 'set_aside');
