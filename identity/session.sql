-- name: list_open(audience, subject, before, current, size)
-- record_class: OpenSession
select s.id, s.device_id, coalesce(d.name, '') as device_name, s.created_at, s.expires_at, s.id = :current as current
  from session s
  left join device d on d.audience = s.audience and d.subject = s.subject and d.device_id = s.device_id
 where s.audience = :audience and s.subject = :subject
   and s.revoked_at is null and s.expires_at > now() and s.id < :before
 order by s.id desc
 limit :size;

-- name: belongs(id, audience, subject)$
select exists (select from session where id = :id and audience = :audience and subject = :subject);

-- name: all_open(audience, subject)$
select coalesce(array_agg(id order by id), '{}')
  from session
 where audience = :audience and subject = :subject and revoked_at is null and expires_at > now();

-- name: is_employee(subject)$
select exists (select from employee where employee_no = :subject);

-- name: is_customer(subject)$
select exists (select from customer where customer_no = :subject);
