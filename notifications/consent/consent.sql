-- name: list(customer_id)
-- record_class: Consent
-- scope: none, the caller has found the customer in scope, and the table's policy holds it too
select purpose, channel, topic, allowed, source, evidence, at, ended_at
  from consent
 where customer_id = :customer_id
 order by ended_at is not null, id desc
 limit 200;

-- name: standing(customer_id, purpose, channel, topic)^
-- record_class: Consent
-- scope: none, the caller has found the customer in scope, and the table's policy holds it too
select purpose, channel, topic, allowed, source, evidence, at, ended_at
  from consent
 where customer_id = :customer_id and purpose = :purpose and channel = :channel and topic = :topic and ended_at is null
   for update;

-- name: is_withdrawn_by_customer(customer_id, purpose, channel, topic)$
-- scope: none, the caller has found the customer in scope, and the table's policy holds it too
select exists (
    select from (select distinct on (topic) allowed
                   from consent
                  where customer_id = :customer_id and purpose = :purpose and channel = :channel
                    and topic in ('', :topic) and source <> 'staff'
                  order by topic, id desc) as own_last
     where not allowed);

-- name: end(customer_id, purpose, channel, topic)!
-- scope: none, the caller has found the customer in scope, and the table's policy holds it too
update consent set ended_at = clock_timestamp()
 where customer_id = :customer_id and purpose = :purpose and channel = :channel and topic = :topic and ended_at is null;

-- name: add(customer_id, purpose, channel, topic, allowed, source, evidence, given_by)^
-- record_class: Consent
-- scope: none, the caller has found the customer in scope, and the table's policy holds it too
insert into consent (customer_id, purpose, channel, topic, allowed, source, evidence, given_by)
values (:customer_id, :purpose, :channel, :topic, :allowed, :source, :evidence, :given_by)
returning purpose, channel, topic, allowed, source, evidence, at, ended_at;

-- name: knows_topic(topic)$
-- scope: none, what templates are about is for everybody
select exists (select from template where topic = :topic);

-- name: lock(customer_id)!
-- scope: none, a lock on one person's consents, held until the transaction ends
select pg_advisory_xact_lock(1129270867, :customer_id);

-- name: announce_withdrawal()!
-- scope: none, a lock that says that somebody withdraws, held until the transaction ends
select pg_advisory_xact_lock_shared(1129270868);

-- name: wait_for_withdrawals()!
-- scope: none, waits for those who withdraw just now
select pg_advisory_xact_lock(1129270868);

-- name: list_withdrawn(customer_ids, purposes, channels, topics)
-- scope: none, whoever withdraws consent reaches their own messages, whichever scope they are in
with withdrawn as (
    select * from unnest(:customer_ids::integer[], :purposes::text[], :channels::text[], :topics::text[])
        as withdrawn (customer_id, purpose, channel, topic)
)
select o.id
  from outgoing o
 where o.state in ('queued', 'sending') and o.customer_id in (select customer_id from withdrawn)
   and exists (select from broadcast b
                 join withdrawn w on w.purpose = b.purpose and w.topic in ('', b.topic)
                where b.id = o.broadcast_id and w.customer_id = o.customer_id and w.channel = o.channel);

-- name: hold_messages(ids)!
-- scope: none, whoever withdraws consent reaches their own messages, whichever scope they are in
select
  from outgoing
 where id = any (:ids::uuid[]) and state in ('queued', 'sending')
 order by id
   for update; -- stronger than a receipt needs: what is being handed over is waited for

-- name: withdraw(ids)!
-- scope: none, whoever withdraws consent reaches their own messages, whichever scope they are in
update outgoing set state = 'skipped', reason = 'opted_out', at = clock_timestamp()
 where id = any (:ids::uuid[]) and state in ('queued', 'sending');

-- name: customer(customer_no)$
-- scope: none, an investor's own number, as their session says
select id from customer where customer_no = :customer_no;

-- name: number(customer_id)$
-- scope: none, the system asks on behalf of whoever withdrew
select customer_no from customer where id = :customer_id;

-- name: scope()$
-- scope: none, this only reads which it is
select current_setting('hexad.scope', true);

-- name: set_scope(kind)$
-- scope: none, for the withdrawal alone, which reaches messages of broadcasts that others started
select set_config('hexad.scope', :kind, true);
