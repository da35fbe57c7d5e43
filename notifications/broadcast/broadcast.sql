-- name: add(id, kind, template, template_version, purpose, topic, channels, given, product_code, customer_ids, branch_ids, by, once, not_before, expires_at)^
-- scope: none, row-level security shows only the customers in the scope of whoever starts it
with audience as (
    select coalesce(array_agg(c.id order by c.id), '{}') as ids
      from customer c
     where c.id = any (:customer_ids::integer[])
        or (c.branch_id = any (:branch_ids::integer[]) and c.status <> 'closed' and lasts(c.closed_on))
)
insert into broadcast (id, kind, template, template_version, purpose, topic, channels, given, product_code, customers,
                       total, started_by, once, not_before, expires_at)
select :id, :kind, :template, :template_version, :purpose, :topic, :channels::text[],
       cast(cast(:given as text) as jsonb), :product_code, ids, cardinality(ids), :by, :once,
       coalesce(:not_before::timestamptz, now()), :expires_at
  from audience
on conflict do nothing
returning id, total;

-- name: known(once)$
-- scope: none, the policy of the table shows one's own, and all to the system
select id from broadcast where once = :once and once <> '';

-- name: list(before, size)
-- record_class: BroadcastLine
-- scope: none, the policy of the table shows one's own, and all to whoever reaches the company
select id, kind, template, template_version, purpose, channels, state, total, started_by, created_at, not_before,
       expires_at, finished_at, version
  from broadcast
 where id < :before
 order by id desc
 limit :size;

-- name: find(broadcast_id)^
-- record_class: BroadcastLine
-- scope: none, the policy of the table shows one's own, and all to whoever reaches the company
select id, kind, template, template_version, purpose, channels, state, total, started_by, created_at, not_before,
       expires_at, finished_at, version
  from broadcast
 where id = :broadcast_id;

-- name: lock(broadcast_id)^
-- record_class: BroadcastLine
-- scope: none, the policy of the table shows one's own, and all to whoever reaches the company
select id, kind, template, template_version, purpose, channels, state, total, started_by, created_at, not_before,
       expires_at, finished_at, version
  from broadcast
 where id = :broadcast_id
   for update;

-- name: change_state(broadcast_id, state)!
-- scope: none, the policy of the table shows one's own, and all to whoever reaches the company
update broadcast set state = :state, version = nextval('row_version') where id = :broadcast_id;

-- name: counts(broadcast_id)
-- scope: none, counts of a broadcast that the caller has found
select state, reason, sum(messages)::integer as messages
  from broadcast_count
 where broadcast_id = :broadcast_id
 group by state, reason
having sum(messages) <> 0;

-- name: messages(broadcast_id, states, after, size)
-- record_class: OutgoingMessage
-- scope: none, of a broadcast that the caller has found; row-level security leaves out customers out of scope
select page.id, page.customer_no, page.name, page.channel, page.state, page.reason, page.attempt, page.at
  from broadcast b
 cross join unnest(b.channels) as way (channel)
 cross join unnest(:states::text[]) as wanted (state)
 cross join lateral ( -- of each state and channel so many, from the index: however many there are
     select o.id, c.customer_no, c.name, o.channel, o.state, o.reason, o.attempt::int4, o.at
       from outgoing o
       join customer c on c.id = o.customer_id
      where o.broadcast_id = b.id and o.state = wanted.state and o.channel = way.channel and o.id > :after
        and o.id >= first_message(least(b.created_at, b.not_before))
      order by o.id
      limit :size) as page
 where b.id = :broadcast_id
 order by page.id
 limit :size;

-- name: customers(customer_nos)$
-- scope: none, row-level security shows only the customers in scope
select coalesce(array_agg(id), '{}') from customer where customer_no = any (:customer_nos::text[]);

-- name: branches(codes)
-- scope: none, branches are public inside the firm
select named.code, named.id as named, below.id
  from unit named
  join unit_under u on u.ancestor_id = named.id
  join unit below on below.id = u.unit_id and below.kind = 'branch'
 where named.kind = 'branch' and named.code = any (:codes::text[]);
