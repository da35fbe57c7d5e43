-- name: lock(employee_no)^
select id, not lasts(left_on) as gone
  from employee
 where employee_no = :employee_no
   for no key update;

-- name: list(employee)
-- record_class: RoleAssigned
select role, unit_id from assignment where employee_id = :employee order by role;

-- name: version(employee)$
select coalesce(max(version), 0) from assignment where employee_id = :employee;

-- name: forget(employee)!
delete from assignment where employee_id = :employee;

-- name: add(employee, roles, units)!
insert into assignment (employee_id, role, unit_id)
select :employee, wanted.role, wanted.unit_id
  from unnest(:roles::text[], :units::integer[]) as wanted (role, unit_id);

-- name: has_other_administrator(role, employee)$
select exists (
    select from assignment a
      join employee e on e.id = a.employee_id
     where a.role = :role and e.id <> :employee and lasts(e.left_on));
