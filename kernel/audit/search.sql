-- name: of_thing(noun, noun_id, principal, action, since, after_at, after_id, size)
-- record_class: Row
-- scope: none, the permission audit.read guards the log, and only a role of the whole company has it
select id, at, principal, session_id, device_id, request_id, action, noun, noun_id, before, after, reason
  from audit
 where noun = :noun and noun_id = :noun_id
   and at >= :since
   and (at, id) < (:after_at, :after_id)
   and (:principal::text is null or principal = :principal)
   and (:action::text is null or action = :action)
 order by at desc, id desc
 limit :size;

-- name: of_principal(principal, action, noun, since, after_at, after_id, size)
-- record_class: Row
-- scope: none, the permission audit.read guards the log, and only a role of the whole company has it
select id, at, principal, session_id, device_id, request_id, action, noun, noun_id, before, after, reason
  from audit
 where principal = :principal
   and at >= :since
   and (at, id) < (:after_at, :after_id)
   and (:action::text is null or action = :action)
   and (:noun::text is null or noun = :noun)
 order by at desc, id desc
 limit :size;

-- name: of_action(action, noun, since, after_at, after_id, size)
-- record_class: Row
-- scope: none, the permission audit.read guards the log, and only a role of the whole company has it
select id, at, principal, session_id, device_id, request_id, action, noun, noun_id, before, after, reason
  from audit
 where action = :action
   and at >= :since
   and (at, id) < (:after_at, :after_id)
   and (:noun::text is null or noun = :noun)
 order by at desc, id desc
 limit :size;

-- name: of_time(noun, since, after_at, after_id, size)
-- record_class: Row
-- scope: none, the permission audit.read guards the log, and only a role of the whole company has it
select id, at, principal, session_id, device_id, request_id, action, noun, noun_id, before, after, reason
  from audit
 where at >= :since
   and (at, id) < (:after_at, :after_id)
   and (:noun::text is null or noun = :noun)
 order by at desc, id desc
 limit :size;
