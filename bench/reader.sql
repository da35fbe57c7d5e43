-- name: find(customer_no)^
-- scope: none, a reader of the whole company, whom row-level security lets by
select c.id, c.name, c.status, b.name as branch, e.name as employee
  from customer c
  join unit b on b.id = c.branch_id
  left join relation r on r.customer_id = c.id and r.kind = 'service' and r.valid_to is null
  left join employee e on e.id = r.employee_id
 where c.customer_no = :customer_no;
