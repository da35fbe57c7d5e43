-- name: expand(broadcast_id, size)^
-- scope: none, the system makes everybody's messages
with b as (
    select b.id, b.state, b.purpose, b.topic, b.channels, b.template, b.expires_at, b.expanded, b.customers, t.most
      from broadcast b
      join template t on t.code = b.template
     where b.id = :broadcast_id and b.expanded < b.total
       for update of b skip locked
), a_day_ago as materialized (
    select uuidv7(interval '-24 hours') as id
), person as materialized (
    select c.id, c.status, coalesce(c.mobile_index, k.mobile_index) as number, coalesce(c.email, k.email) as email
      from (select unnest(customers[expanded + 1 : expanded + :size]) as id from b) as chosen
      join customer c on c.id = chosen.id
      left join contact k on k.customer_id = c.id
), way as (
    select p.id as customer_id, w.channel, w.position, said.consent_id,
           case when b.state = 'cancelled' then 'cancelled'
                when p.status = 'closed' then 'closed'
                when w.channel = 'sms' and p.number is null then 'no_mobile'
                when w.channel = 'email' and p.email is null then 'no_email'
                when said.allowed is false then 'opted_out'
                when b.purpose = 'marketing' and said.allowed is null then 'no_consent'
                when b.purpose <> 'transactional' and exists (
                    select from suppression s
                     where s.customer_id = p.id and s.channel = w.channel
                       and s.address = case w.channel when 'sms' then p.number
                                            else sha256(convert_to(lower(p.email), 'UTF8')) end) then 'suppressed'
                when b.purpose <> 'transactional' and (
                    select count(*) -- from what each got, never from all that a broadcast sent
                      from outgoing o
                     cross join lateral (select template from broadcast where id = o.broadcast_id offset 0) as other
                     where o.customer_id = p.id and o.id > (select id from a_day_ago) and o.broadcast_id <> b.id
                       and other.template = b.template and o.state <> 'skipped') >= b.most then 'frequency'
           end as reason
      from b
     cross join person p
     cross join unnest(b.channels) with ordinality as w (channel, position)
      left join lateral (
          select bool_and(k.allowed) as allowed, (array_agg(k.id order by k.allowed, k.id desc))[1] as consent_id
            from consent k
           where k.customer_id = p.id and k.channel = w.channel and k.purpose = b.purpose and k.topic in ('', b.topic)
             and k.ended_at is null
      ) as said on true
), chosen_way as ( -- the first that is possible, else why the first is not
    select distinct on (customer_id) customer_id, channel, reason, consent_id
      from way
     order by customer_id, reason is not null, position
), made as (
    insert into outgoing (id, broadcast_id, customer_id, channel, state, reason, consent_id)
    select uuidv7(), b.id, w.customer_id, w.channel,
           case when w.reason is not null then 'skipped' when b.expires_at <= now() then 'expired' else 'queued' end,
           w.reason, w.consent_id
      from b, chosen_way w
     order by w.customer_id
    returning state
), moved as (
    update broadcast set expanded = least(b.expanded + :size, broadcast.total)
      from b
     where broadcast.id = b.id
    returning broadcast.expanded
)
select moved.expanded, (select count(*) from made) as made, (select count(*) from made where state = 'skipped') as skipped
  from moved;
