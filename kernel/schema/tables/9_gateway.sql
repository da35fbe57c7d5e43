-- Signatures that gateways have used: each is good once. Kept for as long as its time would be accepted.
create table gateway_signature (
    signature  bytea primary key,
    gateway    text not null,
    at         timestamptz not null default now()
);
create index gateway_signature_at on gateway_signature (at);

-- Text messages that a gateway without AMQP holds on a lease; sealed, since they bear a number and words.
create table sms_lease (
    id       uuid primary key,        -- the message's own
    lease    uuid not null,
    gateway  text not null,
    purpose  text not null check (purpose in ('transactional', 'service', 'marketing')),
    sealed   bytea not null,
    done     boolean not null default false, -- acknowledged: kept until the lease would have ended, so that it may be repeated
    until    timestamptz not null,
    taken_back_until timestamptz      -- a relay puts it back into its queue; it is held to be lost after that
);
create index sms_lease_lease on sms_lease (lease);
create index sms_lease_until on sms_lease (until);

-- Which gateways were given a message on a lease, so that nobody else settles it; `returned`: it went back to its queue, where
-- whoever takes it speaks for it too. Kept for 30 days, longer than receipts come.
create table sms_leased (
    id        uuid not null,          -- the message's own
    gateway   text not null,
    returned  boolean not null default false,
    at        timestamptz not null default now(),
    primary key (id, gateway)
);
create index sms_leased_at on sms_leased (at);

-- Names whoever writes into a queue of PGMQ that gateways write into, as RabbitMQ does: they cannot name themselves.
create function vouch_for_publisher() returns trigger language plpgsql as $$
begin
    new.headers := case when jsonb_typeof(new.headers) = 'object' then new.headers else '{}' end
                   || jsonb_build_object('x-hexad-publisher', session_user::text);
    return new;
end $$;

-- What our SMTP sender did with an e-mail, so that a message that comes again is not sent again; nothing of its content.
create table email_attempt (
    id          uuid primary key,     -- the message's own
    attempt     integer not null,     -- the message's own
    tries       integer not null default 1,
    unanswered  integer not null default 1, -- tries since the last answer of the relay: more than the one in work were cut off
    status      text check (status in ('accepted', 'rejected', 'undelivered')),
    code        text not null default '',
    gateway_id  text not null default '',
    again_at    timestamptz,          -- the relay said "later": not before this
    at          timestamptz not null default now()
);
create index email_attempt_at on email_attempt (at);

-- E-mails that a relay put off wait here, not in the queue, so that they hold nobody's place there. Sealed; each goes when
-- it was sent, was given up or has expired, which it does at the latest when its broadcast does.
create table email_deferred (
    id       uuid primary key,        -- the message's own
    attempt  integer not null,        -- the message's own
    sealed   bytea not null,          -- the message as it came from the queue
    due_at   timestamptz not null     -- when it is offered again; while somebody does so, when that is held to be lost
);
create index email_deferred_due on email_deferred (due_at);

-- Token buckets of what is handed to gateways, shared by all who send: filled by a rate, spent by what was handed over.
create table sending_rate (
    gateway  text not null,
    channel  text not null,
    purpose  text not null,
    sender   text not null,                   -- access number or address
    tokens   double precision not null,       -- messages; below zero when several spent at the same moment
    at       timestamptz not null default clock_timestamp(),
    primary key (gateway, channel, purpose, sender)
);
