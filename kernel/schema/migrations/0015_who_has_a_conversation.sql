-- Who has a conversation has it on a ground, and loses it with the ground; what is open is found without what is closed.
alter table conversation
    add column by_relation  boolean not null default false, -- its employee looked after the customer; else has it for the branch
    add column investor_seq bigint not null default 0,      -- of the newest that the investor said: they have read what is up to it
    add column staff_seq    bigint not null default 0;      -- of the newest that the employee who has it said

update conversation c
   set by_relation = true
 where c.state <> 'queued'
   and exists (select from relation r where r.customer_id = c.customer_id and r.employee_id = c.employee_id);
update conversation c
   set investor_seq = coalesce(said.investor, 0), staff_seq = coalesce(said.staff, 0)
  from conversation o
 cross join lateral (
       select max(m.seq) filter (where m.sender_kind = 'investor') as investor,
              max(m.seq) filter (where m.sender_kind = 'staff' and m.sender_id = o.employee_id) as staff
         from message m
        where m.conversation_id = o.id
 ) as said
 where o.id = c.id and o.state <> 'closed';

drop index conversation_queued, conversation_customer, conversation_employee;
create index conversation_queued on conversation (customer_id) where state = 'queued';
create index conversation_customer on conversation (customer_id) where state <> 'closed';
create index conversation_employee on conversation (employee_id) where state <> 'closed';
create index conversation_assigned on conversation (id) where state = 'assigned';

-- Who had a conversation before, and up to which seq they may read it where they reach its customer; kept as long as it is.
create table former_holder (
    conversation_id  uuid not null references conversation,
    employee_id      integer not null references employee,
    until_seq        bigint not null,
    left_at          timestamptz not null default now(),
    primary key (conversation_id, employee_id)
);

alter table former_holder enable row level security;
alter table former_holder force row level security;
create policy reach on former_holder using (
    (select system_asking()) or employee_id = (select employee_asking()));

-- Whose a conversation is now; what one had before is read up to there, and only of customers whom one reaches.
drop policy reach on conversation;
create policy reach on conversation using (
    (select system_asking())
    or customer_id = any ((select reached('hexad.customer', 'self'))::integer[])
    or employee_id = (select employee_asking())
       and (state <> 'closed' or not by_relation and branch_id = any ((select works_for(employee_asking()))::integer[]))
    or state = 'queued' and branch_id = any ((select works_for(employee_asking()))::integer[])
       and not exists (select from former_holder f where f.conversation_id = conversation.id)
    or (employee_id = (select employee_asking())
        or exists (select from former_holder f where f.conversation_id = conversation.id))
       and exists (select from customer k where k.id = conversation.customer_id));

drop policy reach on message;
create policy reach on message using (
    case when (select system_asking()) then true
         else exists (select from conversation c
                       where c.id = message.conversation_id
                         and (c.customer_id = any ((select reached('hexad.customer', 'self'))::integer[])
                              or c.employee_id = (select employee_asking())
                              or message.seq <= coalesce((select f.until_seq from former_holder f
                                                           where f.conversation_id = c.id), c.last_seq))) end);

-- Whoever serves customers speaks with them; compliance and administrators do not.
insert into role_permission (role, permission)
select p.role, chat.permission
  from role_permission p, unnest(array['chat.read', 'chat.write', 'chat.take']) as chat (permission)
 where p.permission = 'customer.read' and p.role <> 'compliance'
    on conflict do nothing;
