-- name: is_licensed(employee)$
-- scope: none, one's own licence
select exists (select from employee
                where id = :employee and licence_kind in ('investment_adviser', '投资顾问')
                  and lasts(licence_valid_to));

-- name: add(id, product_code, employee, title, body)!
-- scope: none, the policy of the table lets staff write alone
insert into product_view (id, product_code, employee_id, title, body)
values (:id, :product_code, :employee, :title, :body);

-- name: list_published(product_code, before, size)
-- record_class: PublishedView
-- scope: none, staff read every view
select v.id, v.product_code, p.name as product_name, e.name as adviser, v.title, v.body, v.published_at, v.readers
  from product_view v
  join product p on p.product_code = v.product_code
  join employee e on e.id = v.employee_id
 where v.product_code = :product_code and (:before::uuid is null or v.id < :before)
 order by v.id desc
 limit :size;

-- name: find_published(id)^
-- record_class: PublishedView
-- scope: none, staff read every view
select v.id, v.product_code, p.name as product_name, e.name as adviser, v.title, v.body, v.published_at, v.readers
  from product_view v
  join product p on p.product_code = v.product_code
  join employee e on e.id = v.employee_id
 where v.id = :id;

-- name: list_own(customer, product_code, before, size)
-- record_class: ProductView
select v.id, v.product_code, p.name as product_name, e.name as adviser, v.title, v.body, v.published_at
  from product_view v
  join product p on p.product_code = v.product_code
  join employee e on e.id = v.employee_id
 where v.product_code in (
           select k.product_code
             from contract k
            where k.customer_id = :customer
              and holds(k.signed_on, k.ended_on))
   and (:product_code::text is null or v.product_code = :product_code)
   and (:before::uuid is null or v.id < :before)
 order by v.id desc
 limit :size;

-- name: find_own(id, customer)^
-- record_class: ProductView
select v.id, v.product_code, p.name as product_name, e.name as adviser, v.title, v.body, v.published_at
  from product_view v
  join product p on p.product_code = v.product_code
  join employee e on e.id = v.employee_id
 where v.id = :id
   and exists (select from contract k
                where k.customer_id = :customer and k.product_code = v.product_code
                  and holds(k.signed_on, k.ended_on));

-- name: hold(id)^
-- record_class: Spreading
-- scope: none, the worker spreads it on behalf of the adviser
select v.id, v.product_code, p.name as product_name, v.title, v.body, e.employee_no
  from product_view v
  join product p on p.product_code = v.product_code
  join employee e on e.id = v.employee_id
 where v.id = :id and v.readers is null
   for update of v;

-- name: add_readers(id, product_code)!
-- scope: none, the worker spreads it on behalf of the adviser
insert into product_view_reader (view_id, customer_id, channel)
select distinct on (k.customer_id) :id::uuid, k.customer_id,
       coalesce(s.channel, case when f.channel in ('sms', 'email') then f.channel end, 'in_app')
  from contract k
  left join subscription s on s.contract_no = k.contract_no
  left join preference f on f.customer_id = k.customer_id
 where k.product_code = :product_code
   and holds(k.signed_on, k.ended_on)
 order by k.customer_id, s.id desc nulls last;

-- name: readers(id)
-- scope: none, the worker spreads it on behalf of the adviser
select channel, array_agg(customer_id order by customer_id) as customers
  from product_view_reader
 where view_id = :id
 group by channel
 order by channel;

-- name: spread(id)!
-- scope: none, the worker spreads it on behalf of the adviser
update product_view set readers = (select count(*) from product_view_reader where view_id = :id) where id = :id;
