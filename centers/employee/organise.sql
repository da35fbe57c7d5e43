-- name: lock_tree(key)$
select pg_advisory_xact_lock(:key);

-- name: add_unit(kind, code, name, parent_id)^
-- record_class: Unit
insert into unit (kind, code, name, parent_id, placed_by)
values (:kind, :code, :name, :parent_id, 'staff')
on conflict (kind, code) do nothing
returning id, kind, code, name, parent_id, placed_by, ended_on, version;

-- name: change_unit(id, name, parent_id, placed_by, ended_on)^
-- record_class: Unit
update unit
   set name = :name, parent_id = :parent_id, placed_by = :placed_by, ended_on = :ended_on, version = nextval('row_version')
 where id = :id
returning id, kind, code, name, parent_id, placed_by, ended_on, version;

-- name: give_back_unit(id)^
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
