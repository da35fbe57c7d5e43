-- Why a message of a broadcast must not go to a person by a channel, null when it may: asked when it is made, without a
-- message, and again by whoever holds it at the last moment, so that both judge alike. `went_to`, the blind index of a number
-- or the hash of an e-mail, is where a message goes that is offered again, whatever address the person has today.
create function hindrance(of_broadcast uuid, of_customer integer, by_channel text, of_message uuid, went_to bytea)
returns table (reason text, consent_id bigint) language sql stable parallel safe as $$
select case when b.state = 'cancelled' then 'cancelled'
            when c.status = 'closed' or not lasts(c.closed_on) then 'closed'
            when went_to is null and by_channel = 'sms' and coalesce(c.mobile_index, k.mobile_index) is null then 'no_mobile'
            when went_to is null and by_channel = 'email' and coalesce(c.email, k.email) is null
                then 'no_email'
            when went_to is null and by_channel = 'email' and not sendable(coalesce(c.email, k.email))
                then 'bad_address'
            when said.allowed is false then 'opted_out'
            when b.purpose = 'marketing' and said.allowed is null then 'no_consent'
            when b.purpose <> 'transactional' and exists (
                select from suppression s
                 where s.customer_id = c.id and s.channel = by_channel
                   and s.address = coalesce(went_to, case by_channel
                           when 'sms' then coalesce(c.mobile_index, k.mobile_index)
                           else sha256(convert_to(lower(coalesce(c.email, k.email)), 'UTF8')) end))
                then 'suppressed'
            when b.purpose <> 'transactional' and t.most <= (
                select count(*) -- from what each got, never from all that a broadcast sent
                  from outgoing o
                 cross join lateral (select template from broadcast where id = o.broadcast_id offset 0) as other
                 where o.customer_id = c.id and o.id > (select uuidv7(interval '-91 days')) -- nothing waits for longer
                   and o.broadcast_id <> b.id and other.template = b.template
                   and case o.state when 'skipped' then false when 'expired' then false
                                    when 'queued' then o.id > (select uuidv7(interval '-24 hours'))
                                                       and (of_message is null or o.id < of_message)
                                    when 'sending' then of_message is null or o.id < of_message
                                    else o.sent_at > now() - interval '24 hours' end)
                then 'frequency'
            when of_message is not null and b.product_code is not null
                then nullif(coalesce(suits.reason, 'product_withdrawn'), 'suitable')
       end, said.consent_id
  from broadcast b
  join template t on t.code = b.template
 cross join customer c
  left join contact k on k.customer_id = c.id
  left join lateral (
      select bool_and(w.allowed) as allowed, (array_agg(w.id order by w.allowed, w.id desc))[1] as consent_id
        from consent w
       where w.customer_id = c.id and w.channel = by_channel and w.purpose = b.purpose and w.topic in ('', b.topic)
         and w.ended_at is null) as said on true
  left join lateral suitability_of(b.product_code, c.id) as suits on of_message is not null and b.product_code is not null
 where b.id = of_broadcast and c.id = of_customer;
$$;

create or replace function hindrance(of_broadcast uuid, of_customer integer, by_channel text, of_message uuid)
returns table (reason text, consent_id bigint) language sql stable parallel safe as $$
select reason, consent_id from hindrance(of_broadcast, of_customer, by_channel, of_message, null);
$$;
