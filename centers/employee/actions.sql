-- name: find_person(employee_no)^
select id, not lasts(left_on) as gone
  from employee
 where employee_no = :employee_no
   for no key update;

-- name: forget_roles(employee)!
delete from assignment where employee_id = :employee;

-- name: add_roles(employee, roles, units)!
insert into assignment (employee_id, role, unit_id)
select :employee, wanted.role, wanted.unit_id
  from unnest(:roles::text[], :units::integer[]) as wanted (role, unit_id);

-- name: lock_role(code)$
select code from role where code = :code for update;

-- name: has_other_administrator(role, employee)$
select exists (
    select from assignment a
      join employee e on e.id = a.employee_id
     where a.role = :role and e.id <> :employee and lasts(e.left_on));

-- name: change_role(code, scope)!
update role set scope = :scope, version = nextval('row_version') where code = :code;

-- name: forget_permissions(code)!
delete from role_permission where role = :code;

-- name: add_permissions(code, permissions)!
insert into role_permission (role, permission) select :code, unnest(:permissions::text[]);
