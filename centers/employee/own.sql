-- name: find(employee)^
-- record_class: Employee
select e.employee_no, e.name, e.position,
       (select array_agg(u.name order by a.depth desc)
          from unit_under a
          join unit u on u.id = a.ancestor_id
         where a.unit_id = e.unit_id) as unit,
       e.licence_kind, e.licence_valid_to
  from employee e
 where e.id = :employee;
