-- name: due(today, now)
-- record_class: Rule
-- scope: none, rules belong to the house
select code, event, template, channels, days_before::int4, catch_up::int4, produced_on
  from reminder_rule
 where enabled and at <= :now and (produced_on is null or produced_on < :today)
 order by code
   for update skip locked;

-- name: birthday(first, last)
-- scope: none, the rules concern everybody's customers
select c.id as customer_id, day::date as occurrence
  from generate_series(:first::date, :last::date, interval '1 day') as day
  join customer c on c.kind = 'individual' and c.status <> 'closed' and c.birthday <= day::date
   and (extract(month from c.birthday), extract(day from c.birthday))
       in ((extract(month from day), extract(day from day)),
           (case when extract(month from day) = 2 and extract(day from day) = 28
                      and extract(month from day + interval '1 day') = 3 then 2 end, 29)); -- no 29 February this year

-- name: questionnaire_expires(first, last)
-- scope: none, the rules concern everybody's customers
select c.id as customer_id, s.expires_on as occurrence
  from customer c
  join standing s on s.customer_id = c.id
 where c.status <> 'closed' and s.expires_on between :first and :last;

-- name: told(rule, occurrence, customer_ids)$
-- scope: none, the rules concern everybody's customers
select coalesce(array_agg(customer_id), '{}')
  from reminder
 where rule = :rule and occurrence = :occurrence and customer_id = any (:customer_ids::integer[]);

-- name: add(rule, occurrence, customer_ids, broadcast_id)!
-- scope: none, the rules concern everybody's customers
insert into reminder (rule, customer_id, occurrence, broadcast_id)
select :rule, customer_id, :occurrence, :broadcast_id from unnest(:customer_ids::integer[]) as customer_id;

-- name: produced(code, today)!
-- scope: none, rules belong to the house
update reminder_rule set produced_on = :today where code = :code;
