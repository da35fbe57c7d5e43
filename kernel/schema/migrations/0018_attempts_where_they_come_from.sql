-- Attempts are counted where they come from, and by how they ended: no stranger locks an owner out.
alter table sign_in_attempt
    alter column address drop not null,
    add column id        uuid primary key default gen_random_uuid(),
    add column audience  text not null default '',
    add column subject   text not null default '',
    add column proof     text not null default '',
    add column device_id text not null default '',
    add column wrong     boolean not null default true;
create index sign_in_attempt_person on sign_in_attempt (audience, subject, at) where subject <> '';
