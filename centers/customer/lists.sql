-- Lists of customers: one query per order, once by relations (own, team), once by branches (branch, region, company).
-- Each reads an index in its order and stops after a page, except names and days by relation, which sort some hundreds.

-- name: assets_by_relation(employees, after_assets, after_id, assets_from, assets_to, status, risk_level, kind, size)
-- record_class: CustomerLine
select distinct on (found.cents, found.id)
       found.id, found.customer_no, found.name, found.kind, found.mobile, found.status, found.risk_level,
       found.opened_on, found.cents * 0.01 as assets
  from unnest(:employees::integer[]) as employee
 cross join lateral (
       select distinct on (l.assets, l.id)
              l.id, l.customer_no, l.name, l.kind, l.mobile, l.status, l.risk_level, l.opened_on, l.assets as cents
         from looked_after l
        where l.employee_id = employee
          and (l.assets, l.id) < (:after_assets::bigint, :after_id::integer)
          and l.assets >= :assets_from::bigint and l.assets < :assets_to::bigint
          and (:status::text is null or l.status = :status)
          and (:risk_level::smallint is null or l.risk_level = :risk_level)
          and (:kind::text is null or l.kind = :kind)
        order by l.assets desc, l.id desc
        limit :size
 ) as found
 order by found.cents desc, found.id desc
 limit :size;

-- name: opened_by_relation(employees, after_opened, after_id, assets_from, assets_to, status, risk_level, kind, size)
-- record_class: CustomerLine
select distinct on (l.opened_on, l.id)
       l.id, l.customer_no, l.name, l.kind, l.mobile, l.status, l.risk_level, l.opened_on, l.assets * 0.01 as assets
  from looked_after l
 where l.employee_id = any (:employees::integer[])
   and (l.opened_on, l.id) < (:after_opened::date, :after_id::integer)
   and l.assets >= :assets_from::bigint and l.assets < :assets_to::bigint
   and (:status::text is null or l.status = :status)
   and (:risk_level::smallint is null or l.risk_level = :risk_level)
   and (:kind::text is null or l.kind = :kind)
 order by l.opened_on desc, l.id desc
 limit :size;

-- name: name_by_relation(employees, name, after_name, after_id, assets_from, assets_to, status, risk_level, kind, size)
-- record_class: CustomerLine
select distinct on (l.name_key, l.id)
       l.id, l.customer_no, l.name, l.kind, l.mobile, l.status, l.risk_level, l.opened_on, l.assets * 0.01 as assets
  from looked_after l
 where l.employee_id = any (:employees::integer[])
   and l.name_key >= (select folded(:name)) and l.name_key < (select folded(:name)) || chr(1114111) -- above every other character
   and (l.name_key, l.id) > ((select folded(:after_name)), :after_id::integer)
   and l.assets >= :assets_from::bigint and l.assets < :assets_to::bigint
   and (:status::text is null or l.status = :status)
   and (:risk_level::smallint is null or l.risk_level = :risk_level)
   and (:kind::text is null or l.kind = :kind)
 order by l.name_key, l.id
 limit :size;

-- name: assets_by_branch(branches, after_assets, after_id, assets_from, assets_to, status, risk_level, kind, size)
-- record_class: CustomerLine
select found.id, found.customer_no, found.name, found.kind, found.mobile, found.status, found.risk_level, found.opened_on,
       found.assets * 0.01 as assets
  from unnest(:branches::integer[]) as branch
 cross join lateral (
       select c.id, c.customer_no, c.name, c.kind, c.mobile_mask as mobile, c.status, c.standing_level as risk_level,
              c.opened_on, c.assets
         from customer c
        where c.branch_id = branch
          and (c.assets, c.id) < (:after_assets::bigint, :after_id::integer)
          and c.assets >= :assets_from::bigint and c.assets < :assets_to::bigint
          and (:status::text is null or c.status = :status)
          and (:risk_level::smallint is null or c.standing_level = :risk_level)
          and (:kind::text is null or c.kind = :kind)
        order by c.assets desc, c.id desc
        limit :size
 ) as found
 order by found.assets desc, found.id desc
 limit :size;

-- name: opened_by_branch(branches, after_opened, after_id, assets_from, assets_to, status, risk_level, kind, size)
-- record_class: CustomerLine
select found.id, found.customer_no, found.name, found.kind, found.mobile, found.status, found.risk_level, found.opened_on,
       found.assets * 0.01 as assets
  from unnest(:branches::integer[]) as branch
 cross join lateral (
       select c.id, c.customer_no, c.name, c.kind, c.mobile_mask as mobile, c.status, c.standing_level as risk_level,
              c.opened_on, c.assets
         from customer c
        where c.branch_id = branch
          and (c.opened_on, c.id) < (:after_opened::date, :after_id::integer)
          and c.assets >= :assets_from::bigint and c.assets < :assets_to::bigint
          and (:status::text is null or c.status = :status)
          and (:risk_level::smallint is null or c.standing_level = :risk_level)
          and (:kind::text is null or c.kind = :kind)
        order by c.opened_on desc, c.id desc
        limit :size
 ) as found
 order by found.opened_on desc, found.id desc
 limit :size;

-- name: name_by_branch(branches, name, after_name, after_id, assets_from, assets_to, status, risk_level, kind, size)
-- record_class: CustomerLine
select found.id, found.customer_no, found.name, found.kind, found.mobile, found.status, found.risk_level, found.opened_on,
       found.assets * 0.01 as assets
  from unnest(:branches::integer[]) as branch
 cross join lateral (
       select c.id, c.customer_no, c.name, c.kind, c.mobile_mask as mobile, c.status, c.standing_level as risk_level,
              c.opened_on, c.assets, c.name_key
         from customer c
        where c.branch_id = branch
          and c.name_key >= (select folded(:name)) and c.name_key < (select folded(:name)) || chr(1114111)
          and (c.name_key, c.id) > ((select folded(:after_name)), :after_id::integer)
          and c.assets >= :assets_from::bigint and c.assets < :assets_to::bigint
          and (:status::text is null or c.status = :status)
          and (:risk_level::smallint is null or c.standing_level = :risk_level)
          and (:kind::text is null or c.kind = :kind)
        order by c.name_key, c.id
        limit :size
 ) as found
 order by found.name_key, found.id
 limit :size;

-- name: by_number(branches, employees, customer_no)
-- record_class: CustomerLine
select c.id, c.customer_no, c.name, c.kind, c.mobile_mask as mobile, c.status, c.standing_level as risk_level, c.opened_on,
       c.assets * 0.01 as assets
  from customer c
 where c.customer_no = :customer_no
   and (c.branch_id = any (:branches::integer[]) or exists (
           select from relation r
            where r.customer_id = c.id and r.employee_id = any (:employees::integer[])
              and holds(r.valid_from, r.valid_to)));

-- name: by_mobile(branches, employees, mobile, size)
-- record_class: CustomerLine
select c.id, c.customer_no, c.name, c.kind, c.mobile_mask as mobile, c.status, c.standing_level as risk_level, c.opened_on,
       c.assets * 0.01 as assets
  from customer c
 where c.id = any (array(
           select m.id from customer m where m.mobile_index = :mobile
           union all
           select customer_id from contact where mobile_index = :mobile))
   and (c.branch_id = any (:branches::integer[]) or exists (
           select from relation r
            where r.customer_id = c.id and r.employee_id = any (:employees::integer[])
              and holds(r.valid_from, r.valid_to)))
 order by c.id
 limit :size;
