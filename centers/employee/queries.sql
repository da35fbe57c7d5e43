-- name: find_unit(id)^
-- record_class: Unit
select id, kind, code, name, parent_id, placed_by, ended_on, version from unit where id = :id;

-- name: list_units(kind, parent, ended, after_rank, after_code, size)
-- record_class: UnitLine
select u.id, u.kind, u.code, u.name, u.parent_id, u.placed_by, u.ended_on, u.version,
       (select count(*)::integer
          from unit_under a
          join employee e on e.unit_id = a.unit_id
         where a.ancestor_id = u.id and lasts(e.left_on)) as employees
  from unit u
 where (:kind::text is null or u.kind = :kind)
   and (:parent::integer is null or u.parent_id = :parent)
   and (:ended::boolean is null or not lasts(u.ended_on) = :ended)
   and (array_position(array['company', 'region', 'branch', 'team'], u.kind), u.code) > (:after_rank, :after_code)
 order by array_position(array['company', 'region', 'branch', 'team'], u.kind), u.code
 limit :size;

-- name: steps_to(unit)
-- record_class: UnitStep
select u.id, u.kind, u.code, u.name
  from unit_under a
  join unit u on u.id = a.ancestor_id
 where a.unit_id = :unit
 order by a.depth desc;

-- name: list_people(prefix, unit, role, working, sort, after_key, after_no, everybody, employees, units, size)
-- record_class: PersonLine
with person as (
    select e.employee_no, e.name, e.position, e.unit_id, u.name as unit_name, e.hired_on, e.left_on,
           coalesce((select array_agg(a.role order by a.role) from assignment a where a.employee_id = e.id), '{}')
               as roles,
           case :sort when 'name' then e.name when 'hired_on' then e.hired_on::text else '' end as key
      from employee e
      join unit u on u.id = e.unit_id
     where (starts_with(folded(e.name), (select folded(:prefix))) or starts_with(e.employee_no, :prefix))
       and (:unit::integer is null or e.unit_id in (select unit_id from unit_under where ancestor_id = :unit))
       and (:role::text is null or e.id in (select employee_id from assignment where role = :role))
       and (:working::boolean is null or lasts(e.left_on) = :working)
       and (:everybody or e.id = any (:employees::integer[])
            or e.unit_id in (select unit_id from unit_under where ancestor_id = any (:units::integer[])))
)
select employee_no, name, position, unit_id, unit_name, hired_on, left_on, roles
  from person
 where (key, employee_no) > (:after_key, :after_no)
 order by key, employee_no
 limit :size;

-- name: find_person(employee_no, everybody, employees, units)^
select e.id, e.employee_no, e.name, e.position, e.unit_id, e.licence_kind, e.licence_no, e.licence_valid_to,
       lasts(e.licence_valid_to) as licence_valid, e.mobile_mask, e.email,
       e.hired_on, e.left_on, e.placed_by, e.version
  from employee e
 where e.employee_no = :employee_no
   and (:everybody or e.id = any (:employees::integer[])
        or e.unit_id in (select unit_id from unit_under where ancestor_id = any (:units::integer[])));

-- name: roles_held(employee)
-- record_class: RoleHeld
select r.code as role, r.name_zh, r.name_en, a.unit_id, u.name as unit_name
  from assignment a
  join role r on r.code = a.role
  left join unit u on u.id = a.unit_id
 where a.employee_id = :employee
 order by r.code;

-- name: roles_assigned(employee)
-- record_class: RoleAssigned
select role, unit_id from assignment where employee_id = :employee order by role;

-- name: roles_version(employee)$
select coalesce(max(version), 0) from assignment where employee_id = :employee;

-- name: list_roles()
-- record_class: Role
select r.code, r.name_zh, r.name_en, r.scope,
       coalesce((select array_agg(p.permission order by p.permission) from role_permission p where p.role = r.code),
                '{}') as permissions,
       r.version
  from role r
 order by r.code;

-- name: find_role(code)^
-- record_class: Role
select r.code, r.name_zh, r.name_en, r.scope,
       coalesce((select array_agg(p.permission order by p.permission) from role_permission p where p.role = r.code),
                '{}') as permissions,
       r.version
  from role r
 where r.code = :code;
