-- name: lock_tree(key)$
select pg_advisory_xact_lock(:key);

-- name: add_unit(kind, code, name, parent_id)^
-- record_class: Unit
insert into unit (kind, code, name, parent_id, placed_by)
values (:kind, :code, :name, :parent_id, 'staff')
on conflict (kind, code) do nothing
returning id, kind, code, name, parent_id, placed_by, ended_on, version;

-- name: change_unit(id, name, parent_id, ended_on)^
-- record_class: Unit
update unit
   set name = :name, parent_id = :parent_id, ended_on = :ended_on, placed_by = 'staff', version = nextval('row_version')
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
