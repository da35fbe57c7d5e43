-- name: claim(size, seconds)
-- scope: none, events carry ids only
with due as (
    select id
      from outbox
     where available_at <= now() and (claimed_until is null or claimed_until < now())
     order by urgent desc, available_at, id
     limit :size
       for update skip locked
)
update outbox o set claimed_until = now() + make_interval(secs => :seconds)
  from due
 where o.id = due.id
returning o.id, o.event_id, o.kind, o.handler, o.payload::text, o.request_id, o.trace, o.created_at;

-- name: release(ids)!
-- scope: none, events carry ids only
update outbox set claimed_until = null where id = any(cast(:ids as bigint[]));

-- name: handlers(kinds)
-- scope: none, what the newest version that migrated handles
select kind, name, queue from handler where kind = any(cast(:kinds as text[]));

-- name: lives(queue, silence)$
-- scope: none, workers belong to nobody
select exists (select from worker where queues @> array[cast(:queue as text)]
                                    and seen_at > now() - make_interval(secs => :silence));

-- name: remove(ids)!
-- scope: none, events carry ids only
delete from outbox where id = any(cast(:ids as bigint[]));

-- name: handed_on(event_ids)!
-- scope: none, jobs hold ids only; each of its handlers has a job of its own now
update job set state = 'done', payload = null, error = null, finished_at = now(), version = version + 1
 where event_id = any(cast(:event_ids as uuid[])) and handler = '*' and state = 'waiting';

-- name: postpone(ids, days)$
-- scope: none, events carry ids only
with late as (
    delete from outbox
     where id = any(cast(:ids as bigint[])) and created_at < now() - make_interval(days => :days)
    returning *
), aside as (
    insert into job (event_id, handler, kind, payload, state, error, request_id, trace, finished_at)
    select distinct on (event_id, coalesce(handler, '*')) -- a job and its copies may be late together
           event_id, coalesce(handler, '*'), kind, payload, 'set_aside', 'no relay knew this kind of event in time',
           request_id, trace, now()
      from late
        on conflict (event_id, handler) do update
       set state = 'set_aside', error = excluded.error, finished_at = now(), held_until = null,
           version = job.version + 1
     where job.state = 'waiting'
    returning event_id
), put_off as (
    update outbox set available_at = now() + interval '1 minute', claimed_until = null
     where id = any(cast(:ids as bigint[])) and created_at >= now() - make_interval(days => :days)
    returning id
)
select count(*) from aside;
