-- What somebody waits for goes first; a relay takes events for a while and has no transaction open while the broker answers.
alter table outbox add column urgent boolean not null default false;
alter table outbox add column claimed_until timestamptz;
drop index outbox_due;
create index outbox_due on outbox (urgent desc, available_at, id);

-- Which queues a worker's process takes jobs from.
alter table worker add column queues text[] not null default '{work.default}';

-- Who handles which kind of event in the newest version that was migrated to: an older relay makes jobs for those too.
create table handler (
    name   text primary key,
    kind   text not null,
    queue  text not null
);
