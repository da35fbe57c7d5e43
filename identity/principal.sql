-- name: find(session_ids)
-- scope: none, this is how a scope comes to be
select s.id, s.audience, s.subject, s.device_id, s.roles, e.id as employee, e.unit_id
  from session s
  left join employee e on s.audience = 'staff' and e.employee_no = s.subject
 where s.id = any (:session_ids::uuid[]) and s.revoked_at is null and s.expires_at > now()
   and lasts(e.left_on);

-- name: ended(session_ids)
-- scope: none, only ids go in and out
select wanted.id
  from unnest(:session_ids::uuid[]) as wanted (id)
  left join session s on s.id = wanted.id and s.revoked_at is null and s.expires_at > now()
  left join employee e on s.audience = 'staff' and e.employee_no = s.subject
 where s.id is null or not lasts(e.left_on);

-- name: add(id, audience, subject, roles, device_id, seconds)!
-- scope: none, a session belongs to whoever signs in
insert into session (id, audience, subject, roles, device_id, expires_at)
values (:id, :audience, :subject, :roles, :device_id, now() + make_interval(secs => :seconds));

-- name: roles()$
-- scope: none, roles are public inside the firm
select array_agg(code order by code) from role;

-- name: end(id)$
-- scope: none, whoever may end it was checked before
with ended as (
    update session set revoked_at = now() where id = :id and revoked_at is null returning id
)
select exists (select from ended) from session where id = :id;

-- name: mark()$
-- scope: none, counts alone: whether anything that permissions are made of was written since
select concat_ws(' ', current_date,
       (select concat(count(*), ':', sum(xmin::text::bigint)) from role),
       (select concat(count(*), ':', sum(xmin::text::bigint)) from role_permission),
       (select concat(count(*), ':', sum(xmin::text::bigint)) from assignment),
       (select concat(count(*), ':', sum(xmin::text::bigint)) from unit),
       (select concat(count(*), ':', sum(xmin::text::bigint)) from employee));

-- name: role_mark()$
-- scope: none, counts alone: whether what roles give was written since
select concat_ws(' ',
       (select concat(count(*), ':', sum(xmin::text::bigint)) from role),
       (select concat(count(*), ':', sum(xmin::text::bigint)) from role_permission));
