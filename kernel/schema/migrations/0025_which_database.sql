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
