-- name: open()
-- record_class: Open
-- scope: none, the system sends everybody's messages
select b.id, b.kind, b.purpose, b.channels, b.template, b.template_version, b.given::text as given, b.state,
       b.product_code, b.expires_at, b.expanded < b.total as unexpanded
  from broadcast b
 where b.finished_at is null and (b.not_before <= now() or b.state = 'cancelled')
 order by b.created_at
 limit 200;

-- name: claim(broadcast_id, channel, size)
-- record_class: Claimed
-- scope: none, the system sends everybody's messages
select o.id, o.customer_id, o.attempt::int4, o.content, c.customer_no, c.name, c.mobile, k.mobile as noted_mobile,
       coalesce(c.email, k.email) as email, coalesce(p.language, 'zh') as language
  from outgoing o
  join customer c on c.id = o.customer_id
  left join contact k on k.customer_id = o.customer_id
  left join preference p on p.customer_id = o.customer_id
 where o.broadcast_id = :broadcast_id and o.state = 'queued' and o.channel = :channel
 limit :size
   for update of o skip locked;

-- name: claim_unanswered(broadcast_id, channel, wait, size)
-- record_class: Claimed
-- scope: none, the system sends everybody's messages
select o.id, o.customer_id, o.attempt::int4, o.content, c.customer_no, c.name, c.mobile, k.mobile as noted_mobile,
       coalesce(c.email, k.email) as email, coalesce(p.language, 'zh') as language
  from outgoing o
  join customer c on c.id = o.customer_id
  left join contact k on k.customer_id = o.customer_id
  left join preference p on p.customer_id = o.customer_id
 where o.broadcast_id = :broadcast_id and o.state = 'unknown' and o.channel = :channel and o.attempt < 5
   and o.at < clock_timestamp() - make_interval(secs => :wait)
 limit :size
   for update of o skip locked;

-- name: begin(ids, contents)!
-- scope: none, the system sends everybody's messages
update outgoing o
   set state = 'sending', attempt = o.attempt + 1, content = coalesce(o.content, given.content), at = clock_timestamp()
  from unnest(:ids::uuid[], :contents::bytea[]) as given (id, content)
 where o.id = given.id;

-- name: drop(ids, reasons)!
-- scope: none, the system sends everybody's messages
update outgoing o
   set state = case when o.attempt > 0 then 'unknown' else 'skipped' end,
       reason = case when o.attempt = 0 then given.reason end, at = clock_timestamp()
  from unnest(:ids::uuid[], :reasons::text[]) as given (id, reason)
 where o.id = given.id;

-- name: hold(ids)
-- scope: none, the system sends everybody's messages
select o.id
  from outgoing o
  join broadcast b on b.id = o.broadcast_id
 where o.id = any (:ids::uuid[]) and o.state = 'sending' and b.state = 'running'
   and not exists (select from consent k
                    where k.customer_id = o.customer_id and k.channel = o.channel and k.purpose = b.purpose
                      and k.topic in ('', b.topic) and k.ended_at is null and not k.allowed)
   and (b.purpose <> 'marketing'
        or exists (select from consent k
                    where k.customer_id = o.customer_id and k.channel = o.channel and k.purpose = b.purpose
                      and k.topic in ('', b.topic) and k.ended_at is null and k.allowed))
 order by o.id
   for key share of o; -- receipts may go on meanwhile, withdrawing consent waits

-- name: record(ids, state)!
-- scope: none, the system sends everybody's messages
update outgoing set state = :state, at = clock_timestamp()
 where id = any (:ids::uuid[]) and state = 'sending';

-- name: let_go(ids)!
-- scope: none, the system sends everybody's messages
update outgoing o
   set state = case when o.attempt > 1 then 'unknown' when b.state = 'paused' then 'queued' else 'skipped' end,
       reason = case when o.attempt > 1 or b.state = 'paused' then null when b.state = 'cancelled' then 'cancelled'
                     else 'opted_out' end,
       attempt = o.attempt - 1, at = clock_timestamp()
  from broadcast b
 where b.id = o.broadcast_id and o.id = any (:ids::uuid[]) and o.state = 'sending';
