-- Who sees which customer: the second lock. The first are the predicates of the queries themselves.
-- 'own' and 'team' reach by relation to employees, 'branch' and 'region' by branch, 'company' all, 'self' one.
-- One subquery per setting, each evaluated once per query: what a policy names, every query on the table sets up.
create function reached(setting text, variadic kinds text[]) returns integer[] language sql stable parallel safe
    return case when current_setting('hexad.scope', true) = any (kinds)
                then nullif(current_setting(setting, true), '')::integer[] end;

alter table relation enable row level security;
alter table relation force row level security;
create policy reach on relation using (
    (select current_setting('hexad.scope', true) = 'company')
    or employee_id = any ((select reached('hexad.employees', 'own', 'team'))::integer[])
    or branch_id = any ((select reached('hexad.branches', 'branch', 'region'))::integer[])
    or customer_id = any ((select reached('hexad.customer', 'self'))::integer[]));

alter table customer enable row level security;
alter table customer force row level security;
create policy reach on customer to hexad_app using (
    (select current_setting('hexad.scope', true) = 'company')
    or branch_id = any ((select reached('hexad.branches', 'branch', 'region'))::integer[])
    or id = any ((select reached('hexad.customer', 'self'))::integer[])
    or exists ( -- whose relation one sees: the policy above says which that are
        select from relation r
         where r.customer_id = customer.id and holds(r.valid_from, r.valid_to)));

-- Customers with the employee who looks after them today, richest first. Its lock is the policy of `relation`: whoever sees
-- the relation sees the customer, who is not asked once more for each row whose they are. A view reads as its owner does,
-- who sees no customer when it asks in its own name.
create policy by_view on customer to hexad_owner using (
    current_user <> 'hexad_owner' or (select current_setting('hexad.scope', true) = 'company'));
create view looked_after with (security_barrier) as
select r.employee_id, r.assets, r.customer_id as id, c.customer_no, c.name, c.name_key, c.kind, c.mobile_mask as mobile,
       c.status, c.standing_level as risk_level, c.standing_until, c.opened_on, c.closed_on, c.birthday
  from relation r
 cross join lateral (select * from customer where id = r.customer_id offset 0) as c -- by id each, whatever the planner counts
 where holds(r.valid_from, r.valid_to)
 order by r.employee_id, r.assets desc, r.customer_id desc;

alter table account enable row level security;
alter table account force row level security;
create policy reach on account using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = account.customer_id)
    end);

alter table contact enable row level security;
alter table contact force row level security;
create policy reach on contact using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = contact.customer_id)
    end);

alter table preference enable row level security;
alter table preference force row level security;
create policy reach on preference using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = preference.customer_id)
    end);

alter table customer_left enable row level security;
alter table customer_left force row level security;
create policy reach on customer_left using (
    (select current_setting('hexad.scope', true) = 'company')
    or branch_id = any ((select reached('hexad.branches', 'branch', 'region'))::integer[]));

alter table device enable row level security;
alter table device force row level security;
create policy own on device using (audience || ':' || subject = (select current_setting('hexad.principal', true)));
create policy system on device using ((select current_setting('hexad.scope', true)) = 'company');
