-- name: home_by_relation(employees, days)^
-- record_class: Home
select count(*) as customers, coalesce(sum(own.assets), 0) * 0.01 as assets,
       count(*) filter (where own.opened_on >= date_trunc('month', current_date)) as opened_this_month,
       count(*) filter (where own.status = 'dormant') as dormant,
       count(*) filter (where own.standing_until is null or not lasts(own.standing_until)) as risk_to_assess,
       count(*) filter (where to_char(own.birthday, 'MM-DD') = any (:days::text[])) as birthdays
  from (
           select distinct on (l.assets, l.id) l.assets, l.opened_on, l.status, l.standing_until, l.birthday
             from looked_after l
            where l.employee_id = any (:employees::integer[]) and lasts(l.closed_on)
            order by l.assets desc, l.id desc
       ) as own;

-- name: home_by_branch(branches, days)^
-- record_class: Home
select count(*) as customers, coalesce(sum(c.assets), 0) * 0.01 as assets,
       count(*) filter (where c.opened_on >= date_trunc('month', current_date)) as opened_this_month,
       count(*) filter (where c.status = 'dormant') as dormant,
       count(*) filter (where c.standing_until is null or not lasts(c.standing_until)) as risk_to_assess,
       count(*) filter (where to_char(c.birthday, 'MM-DD') = any (:days::text[])) as birthdays
  from customer c
 where c.branch_id = any (:branches::integer[]) and lasts(c.closed_on);
