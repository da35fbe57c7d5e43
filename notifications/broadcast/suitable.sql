-- name: decide(product_code, ids)
-- scope: none, the system decides about everybody whom it is about to write to
-- writes: suitability, a decision about a recipient is kept where all decisions are
insert into suitability (id, customer_id, product_code, purpose, allowed, reason, product_level, level, assessed_at,
                         expires_on)
select uuidv7(), o.customer_id, :product_code, 'message', seen.reason = 'suitable', seen.reason, seen.product_level,
       seen.level, seen.assessed_at, seen.expires_on
  from outgoing o
 cross join lateral suitability_of(:product_code, o.customer_id) as seen
 where o.id = any (:ids::uuid[])
returning customer_id, allowed, reason;
