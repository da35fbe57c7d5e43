-- name: claim(event_id, handler, kind, payload, request_id, trace, worker, most, error, alone, silence, longest)^
-- scope: none, jobs hold ids only; one that is to be done alone is left to the living worker that has it, for no longer
-- than that may take for it: one that gave up while PostgreSQL was away could not say so. What failed waits for its next
-- try, whatever copies of its message come. A claim ends after it began: what a worker before 0035 claims still bears
-- the end of the pause before it
insert into job (event_id, handler, kind, payload, state, attempts, worker, request_id, trace, held_until)
values (:event_id, :handler, :kind, cast(cast(:payload as text) as jsonb), 'running', 1, :worker, :request_id, :trace,
        now() + make_interval(secs => :longest))
on conflict (event_id, handler) do update
   set state = case when job.attempts >= :most then 'set_aside' else 'running' end,
       attempts = least(job.attempts + 1, :most),
       worker = excluded.worker,
       error = case when job.attempts >= :most then coalesce(job.error, :error) else job.error end,
       started_at = now(),
       finished_at = case when job.attempts >= :most then now() end,
       held_until = case when job.attempts < :most then excluded.held_until end,
       version = job.version + 1
 where job.state not in ('done', 'set_aside')
   and not (job.state = 'waiting' and coalesce(job.held_until > now(), false))
   and not (:alone and job.state = 'running' and job.worker <> excluded.worker
            and coalesce(case when job.held_until > job.started_at then job.held_until end,
                         job.started_at + make_interval(secs => :longest)) > now()
            and exists (select from worker
                         where id = job.worker and seen_at > now() - make_interval(secs => :silence)))
returning state, attempts, set_config('synchronous_commit', 'off', true);  -- not worth waiting for the disk, see job.py

-- name: stands(event_id, handler)$
-- scope: none, jobs hold ids only
select state from job where event_id = :event_id and handler = :handler;

-- name: is_settled(event_id, handler)$
-- scope: none, jobs hold ids only; what waits for its next try is not: only its row here says that it will come
select state in ('done', 'set_aside') from job where event_id = :event_id and handler = :handler;

-- name: finish(event_id, handler)^
-- scope: none, jobs hold ids only; what the handler does is recorded as the system's own
update job set state = 'done', payload = null, error = null, finished_at = now(), version = version + 1
 where event_id = :event_id and handler = :handler and state <> 'done'
returning set_config('hexad.principal', 'system:' || handler, true), set_config('hexad.scope', 'none', true),
          set_config('hexad.request', coalesce(request_id, ''), true);

-- name: fail(event_id, handler, worker, most, wait, longest, error, urgent)$
-- scope: none, jobs hold ids only; the exponent has an end, as a hundred tries would wait for longer than times go
with failed as (
    update job set state = case when attempts >= :most then 'set_aside' else 'waiting' end,
                   error = :error, worker = null, version = version + 1,
                   finished_at = case when attempts >= :most then now() end,
                   held_until = case when attempts < :most then now() + make_interval(
                       secs => least(:wait * power(4, least(attempts, 20) - 1), :longest)) end
     where event_id = :event_id and handler = :handler and state = 'running' and worker = :worker
    returning *
), again as (
    insert into outbox (event_id, kind, handler, payload, request_id, trace, urgent, available_at)
    select event_id, kind, handler, payload, request_id, trace, :urgent, held_until
      from failed where state = 'waiting'
)
select state from failed;

-- name: later(event_id, handler, kind, payload, request_id, trace, wait, urgent)!
-- scope: none, jobs hold ids only; where one failed, after its next try: beside it a copy would be a try of its own
insert into outbox (event_id, kind, handler, payload, request_id, trace, urgent, available_at)
values (:event_id, :kind, :handler, cast(cast(:payload as text) as jsonb), :request_id, :trace, :urgent,
        greatest(now() + make_interval(secs => :wait),
                 (select held_until + make_interval(secs => :wait) from job
                   where event_id = :event_id and handler = :handler and state = 'waiting')));

-- name: unknown_here(event_id, handler, kind, payload, request_id, trace, error, wait, days)$
-- scope: none, jobs hold ids only; since when it waits for somebody who knows it stands in its row
with waiting as (
    insert into job as j (event_id, handler, kind, payload, state, error, request_id, trace)
    values (:event_id, :handler, :kind, cast(cast(:payload as text) as jsonb), 'waiting', :error, :request_id, :trace)
        on conflict (event_id, handler) do update
       set state = case when j.started_at < now() - make_interval(days => :days) then 'set_aside' else 'waiting' end,
           finished_at = case when j.started_at < now() - make_interval(days => :days) then now() end,
           error = excluded.error, version = j.version + 1
     where j.state = 'waiting'
    returning *
), again as (
    insert into outbox (event_id, kind, handler, payload, request_id, trace, available_at)
    select event_id, kind, handler, payload, request_id, trace, now() + make_interval(secs => :wait)
      from waiting where state = 'waiting'
)
select state from waiting;

-- name: set_aside(event_id, handler, kind, payload, request_id, trace, error)!
-- scope: none, jobs hold ids only
insert into job (event_id, handler, kind, payload, state, error, request_id, trace, finished_at)
values (:event_id, :handler, :kind, cast(cast(:payload as text) as jsonb), 'set_aside', :error, :request_id, :trace,
        now())
on conflict (event_id, handler) do update
   set state = 'set_aside', error = excluded.error, finished_at = now(), version = job.version + 1
 where job.state not in ('done', 'set_aside');
