-- Customers with the employee who looks after them today, richest first. Its lock is the policy of `relation`: whoever sees
-- the relation sees the customer, who is not asked once more for each row whose they are. A view reads as its owner does,
-- who sees no customer when it asks in its own name.
alter policy reach on customer to hexad_app;
create policy by_view on customer to hexad_owner using (
    current_user <> 'hexad_owner' or (select current_setting('hexad.scope', true) = 'company'));
create view looked_after with (security_barrier) as
select r.employee_id, r.assets, r.customer_id as id, c.customer_no, c.name, c.kind, c.mobile_mask as mobile, c.status,
       c.risk_level, c.opened_on, c.closed_on, c.risk_assessed_on, c.birthday
  from relation r
 cross join lateral (select * from customer where id = r.customer_id offset 0) as c -- by id each, whatever the planner counts
 where r.valid_from <= current_date and (r.valid_to is null or r.valid_to > current_date)
 order by r.employee_id, r.assets desc, r.customer_id desc;
