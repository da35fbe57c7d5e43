-- Conversations from before grounds were known: by a relation where there is or was one, each side's newest message as it is.
-- The owner sees them as the system only.
select set_config('hexad.scope', 'company', true), set_config('hexad.principal', 'system:migrate', true);
update conversation c
   set by_relation = true
 where c.state <> 'queued' and not c.by_relation
   and exists (select from relation r where r.customer_id = c.customer_id and r.employee_id = c.employee_id);
update conversation c
   set investor_seq = greatest(c.investor_seq, said.investor), staff_seq = greatest(c.staff_seq, said.staff)
  from conversation o
 cross join lateral (
       select max(m.seq) filter (where m.sender_kind = 'investor') as investor,
              max(m.seq) filter (where m.sender_kind = 'staff' and m.sender_id = o.employee_id) as staff
         from message m
        where m.conversation_id = o.id
 ) as said
 where o.id = c.id and o.state <> 'closed';
