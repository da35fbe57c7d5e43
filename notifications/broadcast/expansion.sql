-- name: expand(broadcast_id, size)^
-- scope: none, the system makes everybody's messages
with b as (
    select b.id, b.channels, b.expires_at, b.expanded, b.customers
      from broadcast b
     where b.id = :broadcast_id and b.expanded < b.total
       for update of b skip locked
), person as materialized (
    select c.id
      from (select unnest(customers[expanded + 1 : expanded + :size]) as id from b) as chosen
      join customer c on c.id = chosen.id
), chosen_way as ( -- the first that is possible, else why the first is not
    select distinct on (p.id) p.id as customer_id, w.channel, seen.reason, seen.consent_id
      from b
     cross join person p
     cross join unnest(b.channels) with ordinality as w (channel, position)
     cross join lateral hindrance(b.id, p.id, w.channel, null) as seen
     order by p.id, seen.reason is not null, w.position
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
