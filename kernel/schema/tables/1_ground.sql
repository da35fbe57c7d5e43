-- The whole schema as it stands after the last migration, in the order of the files; a test holds the two equal.
-- Roles, ownership and privileges per table are set by kernel/schema/migrate.py (grants.sql).

-- A name is looked for as people write it: whatever the case, the width and the dot between its parts.
create function folded(name text) returns text language sql immutable parallel safe
    return case when name ~ '^[一-鿿]*$' then name
                else casefold(translate(normalize(name, nfkc), '•・‧∙⋅.', '······') collate pg_unicode_fast) end;

-- Until a day, which is the first on which it no longer holds (exclusive, as in the feeds); null: for good.
create function lasts(until date) returns boolean language sql stable parallel safe
    return until is null or until > current_date;
create function holds(since date, until date) returns boolean language sql stable parallel safe
    return since <= current_date and lasts(until);

create table migration (
    number      integer primary key,
    name        text not null,
    sha256      text not null,
    applied_at  timestamptz not null default now()
);

-- What has happened: written in the transaction of the change, moved to the broker by the relay, then deleted.
create table outbox (
    id            bigint generated always as identity primary key,
    event_id      uuid not null,
    kind          text not null,
    handler       text,                       -- null: every handler of the kind; set when one handler tries again
    payload       jsonb not null,
    request_id    text,
    trace         text,                       -- W3C traceparent
    available_at  timestamptz not null default now(),
    created_at    timestamptz not null default now(),
    urgent        boolean not null default false,  -- somebody waits for what it brings: it goes before the others
    claimed_until timestamptz                 -- a relay has taken it; one that died with it is replaced after this
);
create index outbox_due on outbox (urgent desc, available_at, id);

-- One event for one handler. `done` is set in the transaction of the effect: that is what makes the effect happen once.
create table job (
    event_id    uuid not null,
    handler     text not null,
    kind        text not null,
    payload     jsonb,                        -- null once done
    state       text not null check (state in ('running', 'waiting', 'done', 'set_aside')),
    attempts    integer not null default 0 check (attempts >= 0),
    worker      uuid,
    error       text,
    version     bigint not null default 1,
    request_id  text,
    trace       text,
    started_at  timestamptz not null default now(),
    finished_at timestamptz,
    held_until  timestamptz,                  -- before that nobody else takes it: it is in work, or waits for its next try
    primary key (event_id, handler)
);
create index job_open on job (state, worker) where state <> 'done';
create index job_finished on job (finished_at) where state = 'done';

-- Worker children that live; one that has not been seen for a while is dead, and the reaper takes its jobs back.
create table worker (
    id          uuid primary key,
    host        text not null,
    pid         integer not null,
    started_at  timestamptz not null default now(),
    seen_at     timestamptz not null default now(),
    queues      text[] not null default '{work.default}'  -- those that it takes jobs from
);

-- Who handles which kind of event in the newest version that was migrated to: an older relay makes jobs for those too.
create table handler (
    name   text primary key,
    kind   text not null,
    queue  text not null
);

-- One row per schedule and occurrence, so that two beats cannot run it twice.
create table schedule_run (
    name      text not null,
    due_at    timestamptz not null,
    event_id  uuid not null,
    run_at    timestamptz not null default now(),
    primary key (name, due_at)
);

-- A round trip through outbox, relay, broker and worker, started by beat every minute and by `hexad doctor`.
create table probe (
    id          uuid primary key,
    sent_at     timestamptz not null default now(),
    handled_at  timestamptz,
    handled     integer not null default 0
);

-- Versions come from one sequence, so that a thing that was deleted and made again never has an old one.
create sequence row_version;

-- Days on which the market's calendar differs from the package's.
create table trading_day (
    day         date primary key,
    open        boolean not null,
    note        text not null default '' check (length(note) <= 200),
    version     bigint not null default nextval('row_version'),
    changed_at  timestamptz not null default now()
);

-- How far the permissions of a role reach is its scope.
create table role (
    code     text primary key,
    name_zh  text not null,
    name_en  text not null,
    scope    text not null default 'none'
             check (scope in ('none', 'self', 'own', 'team', 'branch', 'region', 'company')),
    version  bigint not null default nextval('row_version')
);

create table role_permission (
    role        text not null references role,
    permission  text not null,
    primary key (role, permission)
);

-- One sign-in on one device.
create table session (
    id          uuid primary key,
    audience    text not null check (audience in ('staff', 'investor', 'gateway')),
    subject     text not null,
    roles       text[] not null default '{}',
    device_id   text not null default '',
    created_at  timestamptz not null default now(),
    expires_at  timestamptz not null,
    revoked_at  timestamptz
);
create index session_subject on session (audience, subject);

-- First answers to requests with an Idempotency-Key, replayed for 24 hours to the same principal alone.
create table idempotency (
    principal   text not null default current_setting('hexad.principal') check (principal <> ''),
    key         text not null,
    request     bytea not null,               -- SHA-256 of method, path and body
    status      smallint not null,
    headers     jsonb not null,
    body        bytea not null,
    created_at  timestamptz not null default now(),
    primary key (principal, key)
);
create index idempotency_created on idempotency (created_at);
alter table idempotency enable row level security;
alter table idempotency force row level security;
create policy own on idempotency using (principal = current_setting('hexad.principal', true));
create policy outlived on idempotency for all
    using (current_setting('hexad.principal', true) = 'system:keep_house' and created_at < now() - interval '24 hours');

-- Every write and every reveal: only ever inserted.
create table audit (
    id          bigint generated always as identity primary key,
    at          timestamptz not null default clock_timestamp(),
    principal   text not null default coalesce(nullif(current_setting('hexad.principal', true), ''), 'system:unknown'),
    session_id  text not null default coalesce(current_setting('hexad.session', true), ''),
    device_id   text not null default coalesce(current_setting('hexad.device', true), ''),
    request_id  text not null default coalesce(current_setting('hexad.request', true), ''),
    action      text not null,
    noun        text not null,
    noun_id     text not null,
    before      jsonb,
    after       jsonb,
    reason      text
);
create index audit_noun on audit (noun, noun_id, id);
create index audit_principal on audit (principal, at, id);
create index audit_action on audit (action, at, id);
create index audit_at on audit (at, id);

-- Rows that the sealer has not chained yet; its own table, since ids are given before commit and audit rows never change.
create table audit_unsealed (
    audit_id bigint primary key
);

-- hash = SHA-256 of the previous hash and the row: position 1, 2, 3, … in the order in which rows were seen committed.
create table audit_seal (
    position  bigint primary key,
    audit_id  bigint not null unique,
    hash      bytea not null,
    sealed_at timestamptz not null default now()
);

create function audit_unseal() returns trigger language plpgsql as $$
begin
    insert into audit_unsealed values (new.id);
    return null;
end $$;
create trigger audit_unseal after insert on audit for each row execute function audit_unseal();

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_append_only before update or delete or truncate on audit
    for each statement execute function audit_is_append_only();
create trigger audit_seal_append_only before update or delete or truncate on audit_seal
    for each statement execute function audit_is_append_only();

-- By which mark a key is known again, so that no process seals or searches with another one. Kept as long as the database;
-- the owner deletes a row when its key is replaced for good.
create table key_mark (
    kind  text not null check (kind in ('field', 'index')),
    name  text not null,
    mark  bytea not null,
    since timestamptz not null default now(),
    primary key (kind, name)
);

-- Each time that somebody said the database was put back to an earlier state by a means that PostgreSQL itself does not
-- notice. Kept as long as the database.
create table restoration (
    id          bigint generated always as identity primary key,
    restored_at timestamptz not null default now(),
    reason      text not null
);
