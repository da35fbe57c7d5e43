-- name: take_due(today, now)
-- record_class: Due
-- scope: none, rules belong to the house; one whose time was less than an hour ago, yesterday, is due for yesterday
with timed as (
    select code, case when at <= :now::time then :today::date else :today::date - 1 end as day
      from reminder_rule
     where enabled and (at <= :now::time or at::interval > :now::time::interval + interval '23 hours')
), due as (
    select r.code, t.day
      from reminder_rule r
      join timed t on t.code = r.code
     where r.produced_on is null or r.produced_on < t.day
       for update of r skip locked
)
update reminder_rule r set produced_on = due.day
  from due
 where r.code = due.code
returning r.code, due.day, r.days_before::int4, r.catch_up::int4, old.produced_on;

-- name: find(code)^
-- record_class: Rule
-- scope: none, rules belong to the house
select code, event, template, channels from reminder_rule where code = :code;

-- name: last_customer()$
-- scope: none, an id alone
select coalesce(max(id), 0) from customer;

-- name: birthday(first, last, after, upto)
-- scope: none, the rules concern everybody's customers
select c.id as customer_id, day::date as occurrence
  from generate_series(:first::date, :last::date, interval '1 day') as day
  join customer c on c.id > :after and c.id <= :upto
   and c.kind = 'individual' and c.status <> 'closed' and c.birthday <= day::date
   and (extract(month from c.birthday), extract(day from c.birthday))
       in ((extract(month from day), extract(day from day)),
           (case when extract(month from day) = 2 and extract(day from day) = 28
                      and extract(month from day + interval '1 day') = 3 then 2 end, 29)); -- no 29 February this year

-- name: questionnaire_expires(first, last, after, upto)
-- scope: none, the rules concern everybody's customers
select c.id as customer_id, s.expires_on as occurrence
  from customer c
  join standing s on s.customer_id = c.id
 where c.id > :after and c.id <= :upto and c.status <> 'closed' and s.expires_on between :first and :last;

-- name: told(rule, occurrence, customer_ids)$
-- scope: none, the rules concern everybody's customers
select coalesce(array_agg(customer_id), '{}')
  from reminder
 where rule = :rule and occurrence = :occurrence and customer_id = any (:customer_ids::integer[]);

-- name: add(rule, occurrence, customer_ids, broadcast_id)!
-- scope: none, the rules concern everybody's customers
insert into reminder (rule, customer_id, occurrence, broadcast_id)
select :rule, customer_id, :occurrence, :broadcast_id from unnest(:customer_ids::integer[]) as customer_id;
