-- name: decide(product_code, ids)
-- scope: none, the system decides about everybody whom it is about to write to
-- writes: suitability, a decision about a recipient is kept where all decisions are
insert into suitability (id, customer_id, product_code, purpose, allowed, reason, product_level, level, assessed_at,
                         expires_on)
select uuidv7(), c.id, p.product_code, 'message', verdict.reason = 'suitable', verdict.reason, p.risk_level,
       s.risk_level, s.at, s.expires_on
  from outgoing o
  join customer c on c.id = o.customer_id
  join product p on p.product_code = :product_code
  left join standing s on s.customer_id = c.id
 cross join lateral (
     select case when p.status <> 'on' then 'product_withdrawn'
                 when c.status not in ('normal', 'dormant') or c.closed_on <= current_date then 'customer_not_active'
                 when s.risk_level is null or s.expires_on is null then 'no_questionnaire'
                 when s.expires_on <= current_date then 'questionnaire_expired'
                 when s.risk_level < p.risk_level then 'risk_too_high'
                 else 'suitable' end as reason) as verdict
 where o.id = any (:ids::uuid[])
returning customer_id, allowed, reason;
