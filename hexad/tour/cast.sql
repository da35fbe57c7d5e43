-- name: is_loaded()$
-- scope: none, whether there is anybody
select exists (select from customer);

-- name: brokers(least)
-- scope: none, people of a made-up brokerage
select e.employee_no
  from employee e
  join assignment a on a.employee_id = e.id and a.role = 'broker'
 where (e.left_on is null or e.left_on > current_date)
   and (e.licence_valid_to is null or e.licence_valid_to > current_date)
   and (select count(*)
          from relation r
          join customer c on c.id = r.customer_id and c.status = 'normal'
         where r.employee_id = e.id and r.kind = 'service'
           and r.valid_from <= current_date and (r.valid_to is null or r.valid_to > current_date)) >= :least
 order by e.employee_no desc
 limit 2;

-- name: adviser()$
-- scope: none, people of a made-up brokerage
select e.employee_no
  from employee e
  join assignment a on a.employee_id = e.id and a.role = 'adviser'
 where (e.left_on is null or e.left_on > current_date)
   and e.licence_kind = 'investment_adviser' and e.licence_valid_to > current_date
 order by e.employee_no desc
 limit 1;

-- name: investors(employee_no, unlucky, size)
-- scope: none, people of a made-up brokerage
select c.customer_no
  from relation r
  join employee e on e.id = r.employee_id and e.employee_no = :employee_no
  join customer c on c.id = r.customer_id
 where r.kind = 'service' and r.valid_from <= current_date and (r.valid_to is null or r.valid_to > current_date)
   and c.status = 'normal' and c.kind = 'individual' and c.mobile is not null
   and right(c.mobile_mask, 4) <> all (:unlucky::text[])
   and not exists (select from contract k where k.customer_id = c.id)
   and not exists (select from subscription s where s.customer_id = c.id)
   and not exists (select from assessment a where a.customer_id = c.id and a.answers is not null)
 order by random()
 limit :size;
