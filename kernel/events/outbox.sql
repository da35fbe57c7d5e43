-- name: add(event_id, kind, payload, trace, urgent)!
-- scope: none, events carry ids only
insert into outbox (event_id, kind, payload, request_id, trace, urgent)
values (:event_id, :kind, :payload, nullif(current_setting('hexad.request', true), ''), :trace, :urgent);

-- name: record(action, noun, noun_id, before, after, reason)!
-- scope: none, whoever writes is recorded by the defaults of the table
insert into audit (action, noun, noun_id, before, after, reason)
values (:action, :noun, :noun_id, :before, :after, :reason);
