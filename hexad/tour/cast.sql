-- name: is_loaded()$
-- scope: none, whether there is anybody
select exists (select from customer);

-- name: brokers(least)
-- scope: none, people of a made-up brokerage
select e.employee_no
  from employee e
  join assignment a on a.employee_id = e.id and a.role = 'broker'
 where lasts(e.left_on)
   and lasts(e.licence_valid_to)
   and (select count(*)
          from relation r
          join customer c on c.id = r.customer_id and c.status = 'normal'
         where r.employee_id = e.id and r.kind = 'service'
           and holds(r.valid_from, r.valid_to)) >= :least
 order by e.employee_no desc
 limit 2;

-- name: adviser()$
-- scope: none, people of a made-up brokerage
select e.employee_no
  from employee e
  join assignment a on a.employee_id = e.id and a.role = 'adviser'
 where lasts(e.left_on)
   and e.licence_kind = 'investment_adviser' and lasts(e.licence_valid_to)
 order by e.employee_no desc
 limit 1;

-- name: investors(employee_no, unlucky, size)
-- scope: none, people of a made-up brokerage
select c.customer_no
  from relation r
  join employee e on e.id = r.employee_id and e.employee_no = :employee_no
  join customer c on c.id = r.customer_id
 where r.kind = 'service' and holds(r.valid_from, r.valid_to)
   and c.status = 'normal' and c.kind = 'individual' and c.mobile is not null
   and right(c.mobile_mask, 4) <> all (:unlucky::text[])
   and not exists (select from contract k where k.customer_id = c.id)
   and not exists (select from subscription s where s.customer_id = c.id)
   and not exists (select from assessment a where a.customer_id = c.id and a.answers is not null)
 order by random()
 limit :size;
