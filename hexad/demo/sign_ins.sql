-- name: one_of_each()
-- scope: none, people of a made-up brokerage
select distinct on (e.position) e.position as role, e.employee_no
  from employee e
  join role r on r.code = e.position
 where lasts(e.left_on)
 order by e.position, e.employee_no;

-- name: customer_of(employee_no)$
-- scope: none, a customer of a made-up brokerage
select c.customer_no
  from relation r
  join employee e on e.id = r.employee_id and e.employee_no = :employee_no
  join customer c on c.id = r.customer_id
 where holds(r.valid_from, r.valid_to) and c.status = 'normal'
 order by c.customer_no
 limit 1;
