-- The list as `centers/customer/lists.sql` has it, from the tables themselves: what its view costs is not the floor's.

-- name: richest(employee, after_assets, after_id, assets_from, assets_to, status, risk_level, kind, size)
-- record_class: CustomerLine
-- scope: none, the floor reads past row-level security
select distinct on (r.assets, r.customer_id)
       c.id, c.customer_no, c.name, c.kind, c.mobile_mask as mobile, c.status, c.risk_level, c.opened_on,
       r.assets * 0.01 as assets
  from relation r
  join customer c on c.id = r.customer_id
 where r.employee_id = :employee::integer
   and r.valid_from <= current_date and (r.valid_to is null or r.valid_to > current_date)
   and (r.assets, r.customer_id) < (:after_assets::bigint, :after_id::integer)
   and r.assets >= :assets_from::bigint and r.assets < :assets_to::bigint
   and (:status::text is null or c.status = :status)
   and (:risk_level::smallint is null or c.risk_level = :risk_level)
   and (:kind::text is null or c.kind = :kind)
 order by r.assets desc, r.customer_id desc
 limit :size;
