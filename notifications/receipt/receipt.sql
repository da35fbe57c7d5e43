-- name: keep(ids, gateways, channels, gateway_ids, statuses, codes, ats, problems)
-- scope: none, receipts are of everybody's messages
with given as (
    select g.id, g.gateway, g.channels, g.gateway_id, g.status, g.code, g.at, g.problem, g.position
      from unnest(:ids::uuid[], :gateways::text[], :channels::text[], :gateway_ids::text[], :statuses::text[],
                  :codes::text[], :ats::timestamptz[], :problems::text[])
           with ordinality as g (id, gateway, channels, gateway_id, status, code, at, problem, position)
), judged as ( -- a gateway speaks of messages of its channels, and of none that another holds on a lease
    select g.*, coalesce(g.problem, case when message.channel is null then 'unknown_id'
                                         when message.channel <> all (string_to_array(g.channels, ',')) or leased.elsewhere
                                         then 'other_gateway' end) as verdict
      from given g
      left join lateral (
          select o.channel from outgoing o where o.id = g.id
           union all
          select 'sms' from one_time_code c where c.id = g.id
           limit 1
      ) as message on true
      left join lateral (
          select bool_or(not l.returned) and not bool_or(l.gateway = g.gateway) as elsewhere
            from sms_leased l
           where l.id = g.id
      ) as leased on true
), kept as ( -- what was not believed when it came, and is now, is news
    insert into receipt (message_id, gateway, gateway_id, status, at, code, problem, times)
    select id, gateway, gateway_id, status, at, code, case when bool_and(verdict is not null) then min(verdict) end,
           count(*)
      from judged
     group by id, gateway, gateway_id, status, at, code
     order by id, gateway, gateway_id, status, at, code
    on conflict (message_id, gateway, gateway_id, status, at, code) do update
       set times = receipt.times + excluded.times,
           problem = case when receipt.problem is not null then excluded.problem end
    returning new.message_id, new.gateway, new.gateway_id, new.status, new.at, new.code,
              new.problem is null and (old.message_id is null or old.problem is not null) as fresh
)
select j.position, j.verdict, k.fresh
  from judged j
  join kept k on k.message_id = j.id and k.gateway = j.gateway and k.gateway_id = j.gateway_id
             and k.status = j.status and k.at = j.at and k.code = j.code
 order by j.position;

-- name: list_named(gateways, but, size)
-- scope: none, receipts are of everybody's messages
select distinct message_id
  from (select message_id
          from receipt
         where problem = 'unknown_gateway' and gateway = any (:gateways::text[])
           and message_id <> all (:but::uuid[])
         limit :size) as kept;

-- name: of_named(gateways, ids)
-- record_class: Kept
-- scope: none, receipts are of everybody's messages
update receipt r
   set times = r.times - 1 -- it is counted again as it is applied
  from (select message_id, gateway, gateway_id, status, at, code
          from receipt
         where problem = 'unknown_gateway' and gateway = any (:gateways::text[])
           and message_id = any (:ids::uuid[])
           for update skip locked) as waiting
 where r.message_id = waiting.message_id and r.gateway = waiting.gateway and r.gateway_id = waiting.gateway_id
   and r.status = waiting.status and r.at = waiting.at and r.code = waiting.code
returning r.message_id as id, r.gateway, r.gateway_id, r.status, r.code, r.at;

-- name: hold(ids)!
-- scope: none, receipts are of everybody's messages
select from outgoing where id = any (:ids::uuid[]) order by id for no key update;

-- name: advance(ids, states, codes)
-- scope: none, receipts are of everybody's messages
with given as (
    select g.id, g.state, g.code, r.rank
      from unnest(:ids::uuid[], :states::text[], :codes::text[]) as g (id, state, code)
      join unnest(array['sent', 'expired', 'undelivered', 'failed', 'delivered'], array[4, 5, 5, 5, 6]) as r (state, rank)
        on r.state = g.state
)
update outgoing o
   set state = given.state, reason = case when given.state in ('failed', 'undelivered') then given.code end,
       at = clock_timestamp()
  from given
 where o.id = given.id
   and not (o.state = 'skipped' and o.content is null) -- it was never made: nothing that is said of it can be true
   and given.rank > case o.state when 'queued' then 1 when 'held' then 1 when 'skipped' then 1 when 'sending' then 2
                                 when 'unknown' then case o.reason when 'no_receipt' then 4 else 3 end
                                 when 'sent' then 4 when 'delivered' then 6 else 5 end
returning o.id, o.state;

-- name: hold_broadcasts(ids)!
-- scope: none, the system sends everybody's messages
select from broadcast
 where id in (select broadcast_id from outgoing where id = any (:ids::uuid[]))
 order by id
   for update; -- it does not end while one of its messages begins to wait again

-- name: queue_again(ids)
-- scope: none, the system sends everybody's messages
with again as (
    update outgoing o set state = 'queued', at = clock_timestamp()
      from broadcast b
     where o.id = any (:ids::uuid[]) and b.id = o.broadcast_id and o.state = 'expired' and o.attempt < 5
       and b.expires_at > now() and b.state in ('running', 'paused', 'done')
    returning o.broadcast_id
)
update broadcast b set finished_at = null, state = case b.state when 'done' then 'running' else b.state end
 where b.id in (select broadcast_id from again) and b.finished_at is not null
returning b.id;
