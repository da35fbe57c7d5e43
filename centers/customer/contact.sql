-- name: find_contact(customer_id)^
-- record_class: Contact
-- scope: none, the customer was looked up in scope before
select mobile_mask as mobile, email, address, wechat, version
  from contact
 where customer_id = :customer_id;

-- name: put_contact(customer_id, mobile, mobile_mask, mobile_index, email, address, wechat)!
-- scope: none, the customer was looked up in scope before
insert into contact (customer_id, mobile, mobile_mask, mobile_index, email, address, wechat)
values (:customer_id, :mobile, :mobile_mask, :mobile_index, :email, :address, :wechat)
on conflict (customer_id) do update
   set mobile = excluded.mobile, mobile_mask = excluded.mobile_mask, mobile_index = excluded.mobile_index,
       email = excluded.email, address = excluded.address, wechat = excluded.wechat,
       version = nextval('row_version'), changed_in = pg_current_xact_id();

-- name: kept_contact(customer_id)^
-- scope: none, the customer was looked up in scope before
select mobile, mobile_mask, mobile_index, email, address, wechat
  from contact
 where customer_id = :customer_id
   for update;

-- name: find_preference(customer_id)^
-- record_class: Preference
-- scope: none, the customer was looked up in scope before
select language, channel, to_char(contact_from, 'HH24:MI') as contact_from,
       to_char(contact_to, 'HH24:MI') as contact_to, version
  from preference
 where customer_id = :customer_id;

-- name: put_preference(customer_id, language, channel, contact_from, contact_to)!
-- scope: none, the customer was looked up in scope before
insert into preference (customer_id, language, channel, contact_from, contact_to)
values (:customer_id, :language, :channel, :contact_from::text::time, :contact_to::text::time)
on conflict (customer_id) do update
   set language = excluded.language, channel = excluded.channel, contact_from = excluded.contact_from,
       contact_to = excluded.contact_to, version = nextval('row_version'), changed_in = pg_current_xact_id();

-- name: lock(customer_id)$
-- scope: none, the customer was looked up in scope before; two changes of one customer wait for one another
select pg_advisory_xact_lock(1129270611, :customer_id);
