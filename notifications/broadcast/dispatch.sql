-- name: open(purposes, after_at, after_id, wait, size)
-- record_class: Open
-- scope: none, the system sends everybody's messages
select b.id, b.kind, b.purpose, b.channels, b.template, b.template_version, b.given::text as given, b.state,
       b.product_code, b.expires_at, b.expanded < b.total as unexpanded, b.created_at,
       least(b.created_at, b.not_before) as since
  from broadcast b
 where b.finished_at is null and (b.not_before <= now() or b.state = 'cancelled')
   and (:after_at::timestamptz is null or (b.created_at, b.id) > (:after_at::timestamptz, :after_id::uuid))
   and (:purposes::text[] is null or b.expanded < b.total
        or b.state = 'running' and b.purpose = any (:purposes::text[]) and b.expires_at > now()
           and (exists (select from outgoing o
                        where o.broadcast_id = b.id and o.state = 'queued'
                          and o.id >= first_message(least(b.created_at, b.not_before)))
                or exists (select from outgoing o
                            where o.broadcast_id = b.id and o.state = 'unknown' and o.attempt < 5
                              and o.id >= first_message(least(b.created_at, b.not_before))
                              and o.at < clock_timestamp() - make_interval(secs => :wait))))
 order by b.created_at, b.id
 limit :size;

-- name: claim(broadcast_id, since, channel, size)
-- record_class: Claimed
-- scope: none, the system sends everybody's messages
select o.id, o.customer_id, o.attempt::int4, o.content, c.customer_no, c.name, c.mobile, k.mobile as noted_mobile,
       coalesce(c.email, k.email) as email, coalesce(p.language, 'zh') as language
  from outgoing o
  join customer c on c.id = o.customer_id
  left join contact k on k.customer_id = o.customer_id
  left join preference p on p.customer_id = o.customer_id
 where o.broadcast_id = :broadcast_id and o.state = 'queued' and o.channel = :channel
   and o.id >= first_message(:since::timestamptz)
 order by o.id
 limit :size
   for update of o skip locked;

-- name: claim_unanswered(broadcast_id, since, channel, wait, size)
-- record_class: Claimed
-- scope: none, the system sends everybody's messages
select o.id, o.customer_id, o.attempt::int4, o.content, c.customer_no, c.name, c.mobile, k.mobile as noted_mobile,
       coalesce(c.email, k.email) as email, coalesce(p.language, 'zh') as language
  from outgoing o
  join customer c on c.id = o.customer_id
  left join contact k on k.customer_id = o.customer_id
  left join preference p on p.customer_id = o.customer_id
 where o.broadcast_id = :broadcast_id and o.state = 'unknown' and o.channel = :channel and o.attempt < 5
   and o.id >= first_message(:since::timestamptz)
   and o.at < clock_timestamp() - make_interval(secs => :wait)
 order by o.id
 limit :size
   for update of o skip locked;

-- name: begin(ids, contents)!
-- scope: none, the system sends everybody's messages
update outgoing o
   set state = 'sending', attempt = o.attempt + 1, content = coalesce(o.content, given.content), at = clock_timestamp(),
       sent_at = clock_timestamp()
  from unnest(:ids::uuid[], :contents::bytea[]) as given (id, content)
 where o.id = given.id;

-- name: drop(ids, states, reasons)!
-- scope: none, the system sends everybody's messages
update outgoing o
   set state = case when given.state = 'skipped' and o.attempt > 0 then 'unknown' else given.state end,
       reason = case when given.state = 'failed' or o.attempt = 0 then given.reason end, at = clock_timestamp()
  from unnest(:ids::uuid[], :states::text[], :reasons::text[]) as given (id, state, reason)
 where o.id = given.id;

-- name: hold(ids)
-- scope: none, the system sends everybody's messages
select o.id
  from outgoing o
 where o.id = any (:ids::uuid[]) and o.state = 'sending'
   and o.id between lowest(:ids::uuid[]) and highest(:ids::uuid[])
 order by o.id
   for key share of o; -- receipts may go on meanwhile, withdrawing consent waits

-- name: look(ids, numbers, emails)
-- scope: none, the system sends everybody's messages; whoever joined broadcasts freely would begin with all of their messages
select o.id, case b.state when 'paused' then 'paused' else seen.reason end as reason
  from unnest(:ids::uuid[], :numbers::bytea[], :emails::text[]) as given (id, number, email)
  join outgoing o on o.id = given.id
 cross join lateral (select id, state from broadcast where id = o.broadcast_id offset 0) as b
 cross join lateral hindrance(b.id, o.customer_id, o.channel, o.id,
     case when o.attempt > 1 -- it goes where it went before
          then coalesce(given.number, sha256(convert_to(lower(given.email), 'UTF8'))) end) as seen
 where (b.state = 'paused' or seen.reason is not null and not (seen.reason = 'frequency' and o.attempt > 1));

-- name: take(ids)!
-- scope: none, the system sends everybody's messages
select
  from outgoing o
 where o.id = any (:ids::uuid[]) and o.state = 'sending'
   and o.id between lowest(:ids::uuid[]) and highest(:ids::uuid[])
 order by o.id
   for no key update;

-- name: record(ids, state)!
-- scope: none, the system sends everybody's messages
update outgoing o set state = :state, at = clock_timestamp()
 where o.id = any (:ids::uuid[]) and o.state = 'sending'
   and o.id between lowest(:ids::uuid[]) and highest(:ids::uuid[]);

-- name: let_go(ids, reasons)!
-- scope: none, the system sends everybody's messages
update outgoing o
   set state = case when o.attempt > 1 then 'unknown' when given.reason = 'paused' then 'queued' else 'skipped' end,
       reason = case when o.attempt > 1 or given.reason = 'paused' then null else given.reason end,
       attempt = o.attempt - 1, at = clock_timestamp(), sent_at = null
  from unnest(:ids::uuid[], :reasons::text[]) as given (id, reason)
 where o.id = given.id and o.state = 'sending';

-- name: put_back(ids)!
-- scope: none, the system sends everybody's messages
update outgoing
   set state = case when attempt > 1 then 'unknown' else 'queued' end, attempt = attempt - 1, at = clock_timestamp(),
       sent_at = null
 where id = any (:ids::uuid[]) and state = 'sending';
