-- name: add(event_id, kind, payload, trace)!
-- scope: none, events carry ids only
insert into outbox (event_id, kind, payload, request_id, trace)
values (:event_id, :kind, :payload, nullif(current_setting('hexad.request', true), ''), :trace);

-- name: record(action, noun, noun_id, before, after, reason)!
-- scope: none, whoever writes is recorded by the defaults of the table
insert into audit (action, noun, noun_id, before, after, reason)
values (:action, :noun, :noun_id, :before, :after, :reason);
