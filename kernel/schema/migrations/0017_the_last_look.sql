-- Whatever is decided about a message is decided by one rule, and again just before it leaves.
alter table outgoing add column sent_at timestamptz;

-- Whether a letter can be sent to an address (a test holds it equal to `mobile_contracts/address.py`).
create function sendable(address text) returns boolean language sql immutable parallel safe
    return address ~ '^(?=.{6,254}\Z)(?=[^@]{1,64}@)[A-Za-z0-9À-ÖØ-öø-ɏЀ-ҁҊ-ԯぁ-ゖァ-ヺ一-鿿가-힣!#$%&''*+/=?^_`{|}~-]+(\.[A-Za-z0-9À-ÖØ-öø-ɏЀ-ҁҊ-ԯぁ-ゖァ-ヺ一-鿿가-힣!#$%&''*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]\Z';

-- Why a product must not be offered to a customer, `suitable` where it may (适当性匹配); no row where one of them is unknown.
create function suitability_of(of_product text, of_customer integer)
returns table (reason text, product_level smallint, level smallint, assessed_at timestamptz, expires_on date)
language sql stable parallel safe as $$
select case when p.status <> 'on' then 'product_withdrawn'
            when c.status not in ('normal', 'dormant') or not lasts(c.closed_on) then 'customer_not_active'
            when s.risk_level is null or s.expires_on is null then 'no_questionnaire'
            when not lasts(s.expires_on) then 'questionnaire_expired'
            when s.risk_level < p.risk_level then 'risk_too_high'
            else 'suitable' end, p.risk_level, s.risk_level, s.at, s.expires_on
  from product p
 cross join customer c
  left join standing s on s.customer_id = c.id
 where p.product_code = of_product and c.id = of_customer;
$$;

-- Why a message of a broadcast must not go to a person by a channel, null when it may: asked when it is made, without a
-- message, and again by whoever holds it at the last moment, so that both judge alike.
create function hindrance(of_broadcast uuid, of_customer integer, by_channel text, of_message uuid)
returns table (reason text, consent_id bigint) language sql stable parallel safe as $$
select case when b.state = 'cancelled' then 'cancelled'
            when c.status = 'closed' or not lasts(c.closed_on) then 'closed'
            when by_channel = 'sms' and coalesce(c.mobile_index, k.mobile_index) is null then 'no_mobile'
            when by_channel = 'email' and coalesce(c.email, k.email) is null then 'no_email'
            when by_channel = 'email' and not sendable(coalesce(c.email, k.email)) then 'bad_address'
            when said.allowed is false then 'opted_out'
            when b.purpose = 'marketing' and said.allowed is null then 'no_consent'
            when b.purpose <> 'transactional' and exists (
                select from suppression s
                 where s.customer_id = c.id and s.channel = by_channel
                   and s.address = case by_channel when 'sms' then coalesce(c.mobile_index, k.mobile_index)
                                        else sha256(convert_to(lower(coalesce(c.email, k.email)), 'UTF8')) end)
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
