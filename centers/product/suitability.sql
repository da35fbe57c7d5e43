-- name: standing(customer)^
-- record_class: Standing
select c.id as customer_id,
       c.status in ('normal', 'dormant') and lasts(c.closed_on) as active,
       s.at as assessed_at, s.risk_level as level, s.expires_on
  from customer c
  left join standing s on s.customer_id = c.id
 where c.id = :customer;

-- name: add(id, customer_id, product_code, purpose, allowed, reason, product_level, level, assessed_at, expires_on)^
-- record_class: Suitability
-- scope: none, of the customer whose standing was looked up
insert into suitability (id, customer_id, product_code, purpose, allowed, reason, product_level, level, assessed_at,
                         expires_on)
values (:id, :customer_id, :product_code, :purpose, :allowed, :reason, :product_level, :level, :assessed_at,
        :expires_on)
returning id, product_code, at, allowed, reason, product_level, level, expires_on;
