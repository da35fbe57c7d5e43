-- name: find(customer_no, branches, employees, customer)^
-- record_class: Customer
select c.id, c.customer_no, c.name, c.kind, c.id_kind, c.id_no_mask as id_no, c.mobile_mask as mobile,
       c.email, c.gender, c.birthday,
       b.code as branch_code, b.name as branch_name, c.opened_on, c.closed_on, c.status,
       c.standing_level as risk_level, (c.standing_at at time zone 'Asia/Shanghai')::date as risk_assessed_on,
       c.investor_kind, c.assets * 0.01 as assets, c.version, c.standing_until as risk_expires_on
  from customer c
  join unit b on b.id = c.branch_id
 where c.customer_no = :customer_no
   and (c.branch_id = any (:branches::integer[]) or c.id = :customer or exists (
           select from relation r
            where r.customer_id = c.id and r.employee_id = any (:employees::integer[])
              and holds(r.valid_from, r.valid_to)));

-- name: list_accounts(customer_id)
-- record_class: Account
select account_no, kind, custodian_bank, opened_on, closed_on, status
  from account
 where customer_id = :customer_id
 order by opened_on, account_no
 limit 200;

-- name: list_relations(customer_id)
-- record_class: Relation
select e.employee_no, e.name as employee_name, r.kind, r.share, r.valid_from, r.valid_to
  from relation r
  join employee e on e.id = r.employee_id
 where r.customer_id = :customer_id and lasts(r.valid_to)
 order by r.kind, r.valid_from
 limit 200;

-- name: sealed(customer_no, branches, employees)^
select c.id, c.mobile, c.id_no, c.email, k.mobile as contact_mobile, k.email as contact_email
  from customer c
  left join contact k on k.customer_id = c.id
 where c.customer_no = :customer_no
   and (c.branch_id = any (:branches::integer[]) or exists (
           select from relation r
            where r.customer_id = c.id and r.employee_id = any (:employees::integer[])
              and holds(r.valid_from, r.valid_to)));
