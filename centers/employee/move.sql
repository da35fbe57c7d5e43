-- name: lock(employee_no)$
select id from employee where employee_no = :employee_no for no key update;

-- name: place(employee_no, unit, placed_by)!
update employee
   set unit_id = :unit, placed_by = :placed_by, version = nextval('row_version'), changed_in = pg_current_xact_id()
 where employee_no = :employee_no;
