-- name: known(ids)
-- record_class: Attempt
-- scope: none, what became of messages, nothing of their content
select id, attempt, tries, unanswered, status, code, gateway_id, again_at
  from email_attempt
 where id = any(:ids::uuid[]);

-- name: begin(ids, attempts)!
-- scope: none, what became of messages, nothing of their content
insert into email_attempt as before (id, attempt)
select id, attempt from unnest(:ids::uuid[], :attempts::integer[]) as given (id, attempt) order by id
on conflict (id) do update
   set attempt = greatest(before.attempt, excluded.attempt), tries = before.tries + 1,
       unanswered = before.unanswered + 1, status = null, again_at = null, at = now();

-- name: end(ids, statuses, codes, gateway_ids, again_in, answered)!
-- scope: none, what became of messages, nothing of their content
update email_attempt
   set unanswered = greatest(0, email_attempt.unanswered - given.answered), status = given.status, code = given.code,
       gateway_id = given.gateway_id, at = now(), again_at = now() + make_interval(secs => given.again_in)
  from unnest(:ids::uuid[], :statuses::text[], :codes::text[], :gateway_ids::text[], :again_in::float8[],
              :answered::integer[])
       as given (id, status, code, gateway_id, again_in, answered)
 where email_attempt.id = given.id;

-- name: forget(window, size)!
-- scope: none, what nobody offers again
delete from email_attempt where ctid in (
    select ctid from email_attempt where at < now() - :window::interval limit :size);
