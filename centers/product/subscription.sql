-- name: add(id, customer, product_code, price, agreement_version, suitability_id, channel)$
insert into subscription (id, customer_id, product_code, price, agreement_version, suitability_id, channel, next_try_at)
values (:id, :customer, :product_code, :price, :agreement_version, :suitability_id, :channel,
        now() + interval '15 seconds') -- the event tells the platform at once; this is for when that fails
    on conflict (customer_id, product_code) where state in ('requested', 'confirmed') do nothing
returning id;

-- name: is_subscribed(customer, product_code)$
select exists (select from subscription
                where customer_id = :customer and product_code = :product_code and state in ('requested', 'confirmed'))
    or exists (select from contract
                where customer_id = :customer and product_code = :product_code and kind <> 'trial'
                  and lasts(ended_on));

-- name: find_own(id, customer)^
-- record_class: Subscription
select s.id, s.product_code, p.name as product_name, s.state, s.reason, s.price, s.agreement_version, s.channel,
       s.contract_no, s.requested_at, s.decided_at, s.cancel_asked_at is not null as cancelling
  from subscription s
  join product p on p.product_code = s.product_code
 where s.id = :id and s.customer_id = :customer;

-- name: list_own(customer, before, size)
-- record_class: Subscription
select s.id, s.product_code, p.name as product_name, s.state, s.reason, s.price, s.agreement_version, s.channel,
       s.contract_no, s.requested_at, s.decided_at, s.cancel_asked_at is not null as cancelling
  from subscription s
  join product p on p.product_code = s.product_code
 where s.customer_id = :customer and (:before::uuid is null or s.id < :before)
 order by s.id desc
 limit :size;

-- name: ask_to_cancel(id, customer)$
update subscription
   set cancel_asked_at = now(), tries = 0, next_try_at = now(), problem = '', changed_in = pg_current_xact_id(),
       version = nextval('row_version')
 where id = :id and customer_id = :customer and state in ('requested', 'confirmed') and cancel_asked_at is null
returning id;

-- name: list_by_branch(branches, customer_no, state, before, size)
-- record_class: CustomerSubscription
select s.id, c.customer_no, c.name as customer_name, s.product_code, p.name as product_name, s.state, s.reason,
       s.channel, s.contract_no, s.requested_at, s.decided_at, s.cancel_asked_at is not null as cancelling, s.tries,
       s.next_try_at, s.problem
  from subscription s
  join customer c on c.id = s.customer_id
  join product p on p.product_code = s.product_code
 where c.branch_id = any (:branches::integer[])
   and (:customer_no::text is null or c.customer_no = :customer_no)
   and (:state::text is null or s.state = :state)
   and (:before::uuid is null or s.id < :before)
 order by s.id desc
 limit :size;

-- name: list_by_relation(employees, customer_no, state, before, size)
-- record_class: CustomerSubscription
select s.id, c.customer_no, c.name as customer_name, s.product_code, p.name as product_name, s.state, s.reason,
       s.channel, s.contract_no, s.requested_at, s.decided_at, s.cancel_asked_at is not null as cancelling, s.tries,
       s.next_try_at, s.problem
  from subscription s
  join customer c on c.id = s.customer_id
  join product p on p.product_code = s.product_code
 where c.id = any (array(
           select r.customer_id
             from relation r
            where r.employee_id = any (:employees::integer[])
              and holds(r.valid_from, r.valid_to)))
   and (:customer_no::text is null or c.customer_no = :customer_no)
   and (:state::text is null or s.state = :state)
   and (:before::uuid is null or s.id < :before)
 order by s.id desc
 limit :size;

-- name: is_in_scope(customer_no, branches, employees)$
select exists (
    select from customer c
     where c.customer_no = :customer_no
       and (c.branch_id = any (:branches::integer[]) or exists (
               select from relation r
                where r.customer_id = c.id and r.employee_id = any (:employees::integer[])
                  and holds(r.valid_from, r.valid_to))));
