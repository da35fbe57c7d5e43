-- What somebody is told inside the app (站内信): an employee or an investor, by audience and number.
create table notice (
    id            uuid primary key,
    audience      text not null check (audience in ('staff', 'investor')),
    subject       text not null,
    kind          text not null,
    title         text not null,
    body          text not null,
    link          text,
    once          text not null default '',        -- a second one with the same is not given
    at            timestamptz not null default now(),
    read_at       timestamptz,
    changed_in    xid8 not null default pg_current_xact_id()
);
create index notice_own on notice (audience, subject, id);
create index notice_unread on notice (audience, subject) where read_at is null;
create unique index notice_once on notice (audience, subject, once) where once <> '';
alter table notice enable row level security;
alter table notice force row level security;
create policy own on notice using (audience || ':' || subject = (select current_setting('hexad.principal', true)));
create policy system on notice using ((select current_setting('hexad.scope', true)) = 'company');
create policy given on notice for insert with check (true);
