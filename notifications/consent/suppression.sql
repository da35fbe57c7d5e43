-- name: went_to(ids)
-- record_class: WentTo
-- scope: none, the system looks after everybody's messages
select o.id, o.customer_id, o.channel, o.content
  from outgoing o
 where o.id = any (:ids::uuid[]) and o.channel in ('sms', 'email') and o.content is not null;

-- name: add(customer_ids, channels, numbers, emails, reasons, message_ids)!
-- scope: none, the system looks after everybody's messages
insert into suppression (customer_id, channel, address, reason, message_id)
select customer_id, channel, coalesce(number, sha256(convert_to(lower(email), 'UTF8'))), reason, message_id
  from unnest(:customer_ids::integer[], :channels::text[], :numbers::bytea[], :emails::text[], :reasons::text[],
              :message_ids::uuid[]) as given (customer_id, channel, number, email, reason, message_id)
 order by customer_id, channel, reason, message_id
on conflict do nothing;

-- name: list(customer_no, before, size)
-- record_class: Suppression
-- scope: none, row-level security shows those of customers in scope
select s.id, c.customer_no, c.name, s.channel, s.reason, s.message_id, s.at,
       coalesce(s.address = case s.channel when 'sms' then coalesce(c.mobile_index, k.mobile_index)
                                 else sha256(convert_to(lower(coalesce(c.email, k.email)), 'UTF8')) end, false) as current
  from suppression s
  join customer c on c.id = s.customer_id
  left join contact k on k.customer_id = s.customer_id
 where s.id < :before and (:customer_no::text is null or c.customer_no = :customer_no)
 order by s.id desc
 limit :size;

-- name: find(customer_no, suppression_id)^
-- record_class: Suppression
-- scope: none, row-level security shows those of customers in scope
select s.id, c.customer_no, c.name, s.channel, s.reason, s.message_id, s.at,
       coalesce(s.address = case s.channel when 'sms' then coalesce(c.mobile_index, k.mobile_index)
                                 else sha256(convert_to(lower(coalesce(c.email, k.email)), 'UTF8')) end, false) as current
  from suppression s
  join customer c on c.id = s.customer_id
  left join contact k on k.customer_id = s.customer_id
 where s.id = :suppression_id and c.customer_no = :customer_no
   for update of s;

-- name: lift(suppression_id)!
-- scope: none, the caller has found it in scope
delete from suppression where id = :suppression_id;
