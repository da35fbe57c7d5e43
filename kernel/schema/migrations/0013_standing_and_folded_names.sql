-- A name is looked for as people write it: whatever the case, the width and the dot between its parts.
create function folded(name text) returns text language sql immutable parallel safe
    return case when name ~ '^[一-鿿]*$' then name
                else casefold(translate(normalize(name, nfkc), '•・‧∙⋅.', '······') collate pg_unicode_fast) end;

-- Until a day, which is the first on which it no longer holds (exclusive, as in the feeds); null: for good.
create function lasts(until date) returns boolean language sql stable parallel safe
    return until is null or until > current_date;
create function holds(since date, until date) returns boolean language sql stable parallel safe
    return since <= current_date and lasts(until);

alter table customer
    add column assessed_at     timestamptz,
    add column assessed_level  smallint check (assessed_level between 1 and 5),
    add column assessed_until  date;

select set_config('hexad.scope', 'company', true);
update customer c
   set assessed_at = newest.at, assessed_level = newest.risk_level, assessed_until = newest.expires_on
  from (select distinct on (customer_id) customer_id, at, risk_level, expires_on
          from assessment
         order by customer_id, at desc, source desc) as newest
 where c.id = newest.customer_id;

alter table customer
    add column standing_at     timestamptz generated always as (
        case when risk_level is null or risk_assessed_on is null
                  or assessed_at >= risk_assessed_on::timestamp at time zone 'Asia/Shanghai' then assessed_at
             else risk_assessed_on::timestamp at time zone 'Asia/Shanghai' end) stored,
    add column standing_level  smallint generated always as (
        case when risk_level is null or risk_assessed_on is null
                  or assessed_at >= risk_assessed_on::timestamp at time zone 'Asia/Shanghai' then assessed_level
             else risk_level end) stored,
    add column standing_until  date generated always as (
        case when risk_level is null or risk_assessed_on is null
                  or assessed_at >= risk_assessed_on::timestamp at time zone 'Asia/Shanghai' then assessed_until
             else (risk_assessed_on + interval '2 years')::date end) stored,
    add column name_key        text not null generated always as (folded(name)) stored;

drop index customer_name;
create index customer_name on customer (branch_id, name_key, id);

-- Customers stand at their newest assessment, whoever writes one: once per statement, so that loads do not pay by the row.
create function stand_at_newest() returns trigger language plpgsql as $$
begin
    update customer c
       set assessed_at = newest.at, assessed_level = newest.risk_level, assessed_until = newest.expires_on,
           changed_in = pg_current_xact_id(), version = nextval('row_version')
      from (select distinct customer_id from told) as d
      left join lateral (
               select at, risk_level, expires_on
                 from assessment
                where customer_id = d.customer_id
                order by at desc, source desc
                limit 1) as newest on true
     where c.id = d.customer_id
       and (c.assessed_at, c.assessed_level, c.assessed_until)
           is distinct from (newest.at, newest.risk_level, newest.expires_on);
    return null;
end $$;
create trigger stand_after_insert after insert on assessment referencing new table as told
    for each statement execute function stand_at_newest();
create trigger stand_after_update after update on assessment referencing new table as told
    for each statement execute function stand_at_newest();
create trigger stand_after_delete after delete on assessment referencing old table as told
    for each statement execute function stand_at_newest();

create or replace view standing with (security_invoker) as
select id as customer_id, standing_at as at, standing_level as risk_level, standing_until as expires_on from customer;

drop view looked_after;
create view looked_after with (security_barrier) as
select r.employee_id, r.assets, r.customer_id as id, c.customer_no, c.name, c.name_key, c.kind, c.mobile_mask as mobile,
       c.status, c.standing_level as risk_level, c.standing_until, c.opened_on, c.closed_on, c.birthday
  from relation r
 cross join lateral (select * from customer where id = r.customer_id offset 0) as c -- by id each, whatever the planner counts
 where holds(r.valid_from, r.valid_to)
 order by r.employee_id, r.assets desc, r.customer_id desc;

alter policy reach on customer using (
    (select current_setting('hexad.scope', true) = 'company')
    or branch_id = any ((select reached('hexad.branches', 'branch', 'region'))::integer[])
    or id = any ((select reached('hexad.customer', 'self'))::integer[])
    or exists ( -- whose relation one sees: the policy above says which that are
        select from relation r
         where r.customer_id = customer.id and holds(r.valid_from, r.valid_to)));

alter policy readers on product_view using (
    (select current_setting('hexad.scope', true)) in ('own', 'team', 'branch', 'region', 'company')
    or exists (
        select from contract c
         where c.product_code = product_view.product_code
           and c.customer_id = any ((select reached('hexad.customer', 'self'))::integer[])
           and holds(c.signed_on, c.ended_on)));
