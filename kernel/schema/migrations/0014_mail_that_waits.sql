-- E-mails that a relay put off wait here, not in the queue, so that they hold nobody's place there. Sealed; each goes when
-- it was sent, was given up or has expired, which it does at the latest when its broadcast does.
create table email_deferred (
    id       uuid primary key,        -- the message's own
    attempt  integer not null,        -- the message's own
    sealed   bytea not null,          -- the message as it came from the queue
    due_at   timestamptz not null     -- when it is offered again; while somebody does so, when that is held to be lost
);
create index email_deferred_due on email_deferred (due_at);
grant insert, update, delete on email_deferred to hexad_app;
