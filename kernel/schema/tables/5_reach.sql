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
create policy reach on customer using (
    (select current_setting('hexad.scope', true) = 'company')
    or branch_id = any ((select reached('hexad.branches', 'branch', 'region'))::integer[])
    or id = any ((select reached('hexad.customer', 'self'))::integer[])
    or exists ( -- whose relation one sees: the policy above says which that are
        select from relation r
         where r.customer_id = customer.id
           and r.valid_from <= current_date and (r.valid_to is null or r.valid_to > current_date)));

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
