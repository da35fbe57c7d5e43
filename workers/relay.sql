-- name: due(size)
-- scope: none, events carry ids only
select id, event_id, kind, handler, payload::text, request_id, trace
  from outbox
 where available_at <= now()
 order by available_at, id
 limit :size
   for update skip locked;

-- name: remove(ids)!
-- scope: none, events carry ids only
delete from outbox where id = any(cast(:ids as bigint[]));

-- name: postpone(ids)!
-- scope: none, events carry ids only
update outbox set available_at = now() + interval '1 minute' where id = any(cast(:ids as bigint[]));
