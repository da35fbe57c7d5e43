-- name: find(employee_no)^
select id, not lasts(left_on) as gone from employee where employee_no = :employee_no
   for no key update;

-- name: add(employee_no, name)$
insert into employee (employee_no, name, unit_id, position, hired_on, source, digest)
select :employee_no, :name, id, 'administrator', current_date, 'command', '' from unit where kind = 'company'
returning id;

-- name: assign(employee, role)$
insert into assignment (employee_id, role) values (:employee, :role) on conflict do nothing returning true;

-- name: assign_by_position()!
-- scope: none, employees are not scoped
insert into assignment (employee_id, role)
select e.id, r.code
  from employee e
  join role r on r.code = e.position and r.scope not in ('none', 'self')
 where not exists (select from assignment a where a.employee_id = e.id)
   and lasts(e.left_on);
