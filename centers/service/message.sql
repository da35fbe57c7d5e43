-- name: lock(ids)
-- record_class: Standing
-- scope: none, the system stores for many people at once; who takes part is checked message by message
select c.id, c.state, c.customer_id, c.employee_id, c.last_seq, clock_timestamp() as at
  from (select set_config('idle_in_transaction_session_timeout', '3000', true)) as hastened -- a node that stops lets go
  join conversation c on true
 where c.id = any (:ids::uuid[])
 order by c.id
   for no key update of c skip locked;

-- name: held(ids)$
-- scope: none, the system stores for many people at once; who takes part is checked message by message
select coalesce(array_agg(c.id), '{}') from conversation c where c.id = any (:ids::uuid[]);

-- name: known(conversation_ids, client_ids)
-- record_class: Known
-- scope: none, the system stores for many people at once; only the sender's own message is compared
select m.conversation_id, m.client_id, m.sender_kind, m.sender_id, m.id as message_id, m.seq, m.kind, m.body, m.at
  from unnest(:conversation_ids::uuid[], :client_ids::uuid[]) as w (conversation_id, client_id)
 cross join lateral (
       select * from message m
        where m.conversation_id = w.conversation_id and m.client_id = w.client_id
        limit 8 -- the sender's own, and another's who made the same UUID
 ) as m;

-- name: add(conversation_ids, seqs, ids, sender_kinds, sender_ids, client_ids, kinds, bodies, ats)!
-- scope: none, the system stores for many people at once; who takes part was checked message by message
with added as (
    insert into message (conversation_id, seq, id, sender_kind, sender_id, client_id, kind, body, at)
    select *
      from unnest(:conversation_ids::uuid[], :seqs::bigint[], :ids::uuid[], :sender_kinds::text[], :sender_ids::integer[],
                  :client_ids::uuid[], :kinds::text[], :bodies::text[], :ats::timestamptz[])
 returning conversation_id, seq, sender_kind
)
update conversation c
   set last_seq = head.seq, investor_seq = greatest(c.investor_seq, head.investor),
       staff_seq = greatest(c.staff_seq, head.staff)
  from (select conversation_id, max(seq) as seq, max(seq) filter (where sender_kind = 'investor') as investor,
               max(seq) filter (where sender_kind = 'staff') as staff
          from added
         group by conversation_id) as head
 where c.id = head.conversation_id;

-- name: missed(ids, seqs, size)
-- record_class: Said
-- scope: none, for the participants alone, to whom the node gives what it reads
select m.conversation_id, m.id as message_id, m.seq, m.sender_kind, m.sender_id, p.no as sender_no, p.name as sender_name,
       m.kind, m.at, m.body, m.client_id
  from unnest(:ids::uuid[], :seqs::bigint[]) as w (id, seq)
 cross join lateral (
       select * from message m
        where m.conversation_id = w.id and m.seq > w.seq
        order by m.seq
        limit :size
 ) as m
  join participant p on p.conversation_id = m.conversation_id and p.kind = m.sender_kind and p.person_id = m.sender_id
 order by m.conversation_id, m.seq;

-- name: page(conversation_id, before, size)
-- record_class: Said
select m.conversation_id, m.id as message_id, m.seq, m.sender_kind, m.sender_id, p.no as sender_no, p.name as sender_name,
       m.kind, m.at, m.body, m.client_id
  from message m
  join participant p on p.conversation_id = m.conversation_id and p.kind = m.sender_kind and p.person_id = m.sender_id
 where m.conversation_id = :conversation_id and m.seq < :before
 order by m.seq desc
 limit :size;

-- name: mark(conversation_ids, kinds, person_ids, delivered, read)
-- record_class: Mark
-- scope: none, everybody raises their own marks alone, of conversations that they take part in
with wanted as (
    select *
      from unnest(:conversation_ids::uuid[], :kinds::text[], :person_ids::integer[], :delivered::bigint[],
                  :read::bigint[]) as w (conversation_id, kind, person_id, delivered, read)
), locked as (
    select p.conversation_id, p.kind, p.person_id, greatest(p.delivered_seq, least(w.delivered, c.last_seq)) as delivered_seq,
           greatest(p.read_seq, least(w.read, c.last_seq), case p.kind when 'investor' then c.investor_seq else c.staff_seq end)
               as read_seq,
           p.delivered_seq as was_delivered, p.read_seq as was_read
      from wanted w
      join participant p using (conversation_id, kind, person_id)
      join conversation c on c.id = p.conversation_id
     where p.person_id = case p.kind when 'investor' then c.customer_id else c.employee_id end
     order by p.conversation_id, p.kind, p.person_id
       for no key update of p
)
update participant p
   set delivered_seq = greatest(locked.delivered_seq, locked.read_seq), read_seq = locked.read_seq
  from locked
 where (p.conversation_id, p.kind, p.person_id) = (locked.conversation_id, locked.kind, locked.person_id)
   and (locked.delivered_seq > was_delivered or locked.read_seq > was_read)
returning p.conversation_id, p.kind, p.no, p.delivered_seq, p.read_seq;
