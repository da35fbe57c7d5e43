-- A conversation of an investor with one employee, or with nobody yet: then it is in the queue of the branch.
create table conversation (
    id           uuid primary key,
    customer_id  integer not null references customer,
    branch_id    integer not null references unit,       -- of the customer when it was opened: whose queue it is in
    employee_id  integer references employee check (state <> 'assigned' or employee_id is not null),
    topic        text not null default 'other' check (topic in ('advisory', 'account', 'product', 'other')),
    state        text not null check (state in ('queued', 'assigned', 'closed')),
    last_seq     bigint not null default 0,              -- of its newest message; only raised under the lock of this row
    opened_at    timestamptz not null default now(),
    assigned_at  timestamptz,
    closed_at    timestamptz check ((closed_at is not null) = (state = 'closed')),
    by_relation  boolean not null default false,         -- its employee looked after the customer; else has it for the branch
    investor_seq bigint not null default 0,              -- of the newest that the investor said: they have read what is up to it
    staff_seq    bigint not null default 0,              -- of the newest that the employee who has it said
    revision     integer not null default 0              -- grows with each change of state or employee
) with (fillfactor = 50);                                -- every message updates its row, in place; kept for 20 years
create index conversation_pair on conversation (customer_id, employee_id) where state = 'assigned';
create index conversation_queued on conversation (customer_id) where state = 'queued';
create index conversation_customer on conversation (customer_id) where state <> 'closed';
create index conversation_employee on conversation (employee_id) where state <> 'closed';
create index conversation_assigned on conversation (id) where state = 'assigned';
create index conversation_queue on conversation (branch_id, opened_at) where state = 'queued';

-- Who had a conversation before, and up to which seq they may read it where they reach its customer; kept as long as it is.
create table former_holder (
    conversation_id  uuid not null references conversation,
    employee_id      integer not null references employee,
    until_seq        bigint not null,
    left_at          timestamptz not null default now(),
    primary key (conversation_id, employee_id)
);

-- Who takes or took part, under which number and name, and how far they got; marks only rise.
create table participant (
    conversation_id  uuid not null references conversation,
    kind             text not null check (kind in ('investor', 'staff')),
    person_id        integer not null,                   -- of a customer or an employee
    no               text not null,
    name             text not null,
    delivered_seq    bigint not null default 0,
    read_seq         bigint not null default 0,
    joined_at        timestamptz not null default now(),
    primary key (conversation_id, kind, person_id)
) with (fillfactor = 50);

-- What was said, kept for 20 years: the app may only add to it. The key is that of the sender's device.
create table message (
    conversation_id  uuid not null references conversation not enforced, -- its row is locked while one is added
    seq              bigint not null check (seq > 0),
    id               uuid not null,
    sender_kind      text not null check (sender_kind in ('investor', 'staff')),
    sender_id        integer not null,
    client_id        uuid not null,
    kind             text not null check (kind in ('text', 'image', 'file', 'product')),
    body             text not null check (length(body) between 1 and 4000),
    at               timestamptz not null default now(),
    primary key (conversation_id, seq),
    unique (conversation_id, client_id, sender_id, sender_kind)
) partition by hash (conversation_id);
create table message_0 partition of message for values with (modulus 8, remainder 0);
create table message_1 partition of message for values with (modulus 8, remainder 1);
create table message_2 partition of message for values with (modulus 8, remainder 2);
create table message_3 partition of message for values with (modulus 8, remainder 3);
create table message_4 partition of message for values with (modulus 8, remainder 4);
create table message_5 partition of message for values with (modulus 8, remainder 5);
create table message_6 partition of message for values with (modulus 8, remainder 6);
create table message_7 partition of message for values with (modulus 8, remainder 7);

-- What an investor thought of a conversation that was closed.
create table rating (
    conversation_id  uuid primary key references conversation,
    score            smallint not null check (score between 1 and 5),
    comment          text not null default '' check (length(comment) <= 1000),
    at               timestamptz not null default now()
);

-- What staff say of themselves, and the nodes that hold a socket of theirs, each of which says so again every few seconds.
create table staff_status (
    employee_id  integer primary key references employee,
    status       text not null check (status in ('online', 'busy', 'away')),
    changed_at   timestamptz not null default now()
);
create table attendance (
    employee_id  integer not null references employee,
    node_id      uuid not null,
    seen_at      timestamptz not null default now(),
    primary key (employee_id, node_id)
);

-- Who sees a conversation: its investor, the employee whom it is assigned to, those of the branch in whose queue it is, but
-- not whoever had it before.
create function works_for(employee integer) returns integer[] language sql stable parallel safe
    return (select array_agg(distinct below.unit_id) -- one's branch, and those merged into it
              from employee e
              join unit_under up on up.unit_id = e.unit_id
              join unit b on b.id = up.ancestor_id and b.kind = 'branch'
              join unit_under below on below.ancestor_id = b.id
             where e.id = employee);

create function employee_asking() returns integer language sql stable parallel safe
    return (select id from employee
             where starts_with(current_setting('hexad.principal', true), 'staff:')
               and employee_no = substr(current_setting('hexad.principal', true), 7));

create function system_asking() returns boolean language sql stable parallel safe
    return current_setting('hexad.scope', true) = 'company'
       and starts_with(current_setting('hexad.principal', true), 'system:');

alter table former_holder enable row level security;
alter table former_holder force row level security;
create policy reach on former_holder using (
    (select system_asking()) or employee_id = (select employee_asking()));

-- Whose a conversation is now; what one had before is read up to there, and only of customers whom one reaches.
alter table conversation enable row level security;
alter table conversation force row level security;
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

alter table participant enable row level security;
alter table participant force row level security;
create policy reach on participant using (
    case when (select system_asking()) then true
         else exists (select from conversation c where c.id = participant.conversation_id) end);

alter table message enable row level security;
alter table message force row level security;
create policy reach on message using (
    case when (select system_asking()) then true
         else exists (select from conversation c
                       where c.id = message.conversation_id
                         and (c.customer_id = any ((select reached('hexad.customer', 'self'))::integer[])
                              or c.employee_id = (select employee_asking())
                              or message.seq <= coalesce((select f.until_seq from former_holder f
                                                           where f.conversation_id = c.id), c.last_seq))) end);

alter table rating enable row level security;
alter table rating force row level security;
create policy reach on rating using (
    case when (select system_asking()) then true
         else exists (select from conversation c where c.id = rating.conversation_id) end);

-- A partition has no policy of its own: by its own name nobody sees anything in it.
alter table message_0 enable row level security;
alter table message_0 force row level security;
alter table message_1 enable row level security;
alter table message_1 force row level security;
alter table message_2 enable row level security;
alter table message_2 force row level security;
alter table message_3 enable row level security;
alter table message_3 force row level security;
alter table message_4 enable row level security;
alter table message_4 force row level security;
alter table message_5 enable row level security;
alter table message_5 force row level security;
alter table message_6 enable row level security;
alter table message_6 force row level security;
alter table message_7 enable row level security;
alter table message_7 force row level security;
