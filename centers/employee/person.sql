-- name: list(prefix, unit, role, working, sort, after_key, after_no, everybody, employees, units, size)
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

-- name: find(employee_no, everybody, employees, units)^
select e.id, e.employee_no, e.name, e.position, e.unit_id, e.licence_kind, e.licence_no, e.licence_valid_to,
       lasts(e.licence_valid_to) as licence_valid, e.mobile_mask, e.email,
       e.hired_on, e.left_on, e.placed_by, e.version
  from employee e
 where e.employee_no = :employee_no
   and (:everybody or e.id = any (:employees::integer[])
        or e.unit_id in (select unit_id from unit_under where ancestor_id = any (:units::integer[])));

-- name: find_oneself(employee)^
-- record_class: Employee
select e.employee_no, e.name, e.position,
       (select array_agg(u.name order by a.depth desc)
          from unit_under a
          join unit u on u.id = a.ancestor_id
         where a.unit_id = e.unit_id) as unit,
       e.licence_kind, e.licence_valid_to
  from employee e
 where e.id = :employee;

-- name: steps_to(unit)
-- record_class: UnitStep
select u.id, u.kind, u.code, u.name
  from unit_under a
  join unit u on u.id = a.ancestor_id
 where a.unit_id = :unit
 order by a.depth desc;

-- name: roles_held(employee)
-- record_class: RoleHeld
select r.code as role, r.name_zh, r.name_en, a.unit_id, u.name as unit_name
  from assignment a
  join role r on r.code = a.role
  left join unit u on u.id = a.unit_id
 where a.employee_id = :employee
 order by r.code;

-- name: lock(employee_no)$
select id from employee where employee_no = :employee_no for no key update;

-- name: place(employee_no, unit, placed_by)!
update employee
   set unit_id = :unit, placed_by = :placed_by, version = nextval('row_version'), changed_in = pg_current_xact_id()
 where employee_no = :employee_no;
