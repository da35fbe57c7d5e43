-- Changes for phones. A cursor names the oldest transaction that was still open when it was given (xmin): everything
-- that was committed later is at or above it, so that nothing is missed; what was just below may come twice.

-- name: horizon()$
-- scope: none, a number of a transaction
select pg_snapshot_xmin(pg_current_snapshot())::text;

-- name: state_by_relation(employees, after_id, size)
-- record_class: CustomerLine
select c.id, c.customer_no, c.name, c.kind, c.mobile_mask as mobile, c.status, c.standing_level as risk_level, c.opened_on,
       c.assets * 0.01 as assets
  from customer c
 where c.id > :after_id
   and c.id in (
           select r.customer_id
             from relation r
            where r.employee_id = any (:employees::integer[])
              and holds(r.valid_from, r.valid_to))
 order by c.id
 limit :size;

-- name: state_by_branch(branches, after_id, size)
-- record_class: CustomerLine
select c.id, c.customer_no, c.name, c.kind, c.mobile_mask as mobile, c.status, c.standing_level as risk_level, c.opened_on,
       c.assets * 0.01 as assets
  from customer c
 where c.id > :after_id and c.branch_id = any (:branches::integer[])
 order by c.id
 limit :size;

-- name: changed_by_relation(employees, since, since_day, after_id, size)
-- record_class: CustomerLine
select c.id, c.customer_no, c.name, c.kind, c.mobile_mask as mobile, c.status, c.standing_level as risk_level, c.opened_on,
       c.assets * 0.01 as assets
  from customer c
 where c.id > :after_id
   and c.id in (
           select r.customer_id
             from relation r
            where r.employee_id = any (:employees::integer[])
              and holds(r.valid_from, r.valid_to)
              and (c.changed_in >= :since::text::xid8 or r.changed_in >= :since::text::xid8
                   or r.valid_from > :since_day::date))
 order by c.id
 limit :size;

-- name: gone_by_relation(employees, since, since_day, size)
-- record_class: CustomerGone
select distinct r.customer_id as id
  from relation r
 where r.employee_id = any (:employees::integer[])
   and not holds(r.valid_from, r.valid_to)
   and (r.changed_in >= :since::text::xid8 or r.valid_to > :since_day::date)
   and not exists (
           select from relation o
            where o.customer_id = r.customer_id and o.employee_id = any (:employees::integer[])
              and holds(o.valid_from, o.valid_to))
 order by r.customer_id
 limit :size;

-- name: changed_by_branch(branches, since, after_id, size)
-- record_class: CustomerLine
select c.id, c.customer_no, c.name, c.kind, c.mobile_mask as mobile, c.status, c.standing_level as risk_level, c.opened_on,
       c.assets * 0.01 as assets
  from customer c
 where c.id > :after_id and c.branch_id = any (:branches::integer[]) and c.changed_in >= :since::text::xid8
 order by c.id
 limit :size;

-- name: gone_by_branch(branches, since, size)
-- record_class: CustomerGone
select distinct l.customer_id as id
  from customer_left l
 where l.branch_id = any (:branches::integer[]) and l.changed_in >= :since::text::xid8
   and not exists (select from customer c where c.id = l.customer_id and c.branch_id = any (:branches::integer[]))
 order by l.customer_id
 limit :size;

-- name: changed_of_one(customer_id, since)^
-- scope: none, the customer is the principal's own, and the policies of the tables hold it too
select exists (select from customer where id = :customer_id and changed_in >= :since::text::xid8) as customer,
       exists (select from account where customer_id = :customer_id and changed_in >= :since::text::xid8) as accounts,
       exists (select from contact where customer_id = :customer_id and changed_in >= :since::text::xid8) as contact,
       exists (select from preference where customer_id = :customer_id and changed_in >= :since::text::xid8)
           as preference;
