-- name: find(id)^
-- record_class: Unit
select id, kind, code, name, parent_id, placed_by, ended_on, version from unit where id = :id;

-- name: list(kind, parent, ended, after_rank, after_code, size)
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

-- name: lock_tree(key)$
select pg_advisory_xact_lock(:key);

-- name: add(kind, code, name, parent_id)^
-- record_class: Unit
insert into unit (kind, code, name, parent_id, placed_by)
values (:kind, :code, :name, :parent_id, 'staff')
on conflict (kind, code) do nothing
returning id, kind, code, name, parent_id, placed_by, ended_on, version;

-- name: change(id, name, parent_id, placed_by, ended_on)^
-- record_class: Unit
update unit
   set name = :name, parent_id = :parent_id, placed_by = :placed_by, ended_on = :ended_on, version = nextval('row_version')
 where id = :id
returning id, kind, code, name, parent_id, placed_by, ended_on, version;

-- name: give_back(id)^
-- record_class: Unit
update unit set placed_by = 'feed', version = nextval('row_version')
 where id = :id
returning id, kind, code, name, parent_id, placed_by, ended_on, version;

-- name: children(id)
-- record_class: Unit
select id, kind, code, name, parent_id, placed_by, ended_on, version from unit where parent_id = :id order by id;

-- name: above(unit)$
select coalesce(array_agg(ancestor_id), '{}') from unit_under where unit_id = :unit;

-- name: move_employees(unit, into)
update employee
   set unit_id = :into, version = nextval('row_version'), changed_in = pg_current_xact_id()
 where unit_id = :unit
returning employee_no;

-- name: move_roles(unit, into)
update assignment a
   set unit_id = :into, version = nextval('row_version')
  from employee e
 where a.unit_id = :unit and e.id = a.employee_id
returning e.employee_no;

-- name: standing(unit)^
-- record_class: Standing
-- scope: none, counts alone, for those who may change the whole organisation
select (select count(*) from unit where parent_id = :unit and lasts(ended_on)) as units,
       (select count(*)
          from unit_under a
          join employee e on e.unit_id = a.unit_id
         where a.ancestor_id = :unit and lasts(e.left_on)) as employees,
       (select count(*)
          from unit_under a
          join customer c on c.branch_id = a.unit_id
         where a.ancestor_id = :unit and c.status <> 'closed') as customers;
