-- name: epoch()$
-- scope: none, of the database itself
select left(md5(concat_ws(':',
           (select system_identifier from pg_control_system()),
           (select oid from pg_database where datname = current_database()),
           left(pg_walfile_name(pg_current_wal_lsn()), 8), -- the timeline, another one after each recovery
           (select max(id) from restoration))), 8);

-- name: instance()$
-- scope: none, of the database itself
select left(encode(sha256(convert_to(concat_ws(':',
           'hexad: which database',
           (select system_identifier from pg_control_system()),
           (select oid from pg_database where datname = current_database())), 'UTF8')), 'hex'), 16);

-- name: marks()
-- scope: none, keys belong to nobody
select kind, name, mark from key_mark;

-- name: remember(kinds, names, marks)!
-- scope: none, keys belong to nobody
insert into key_mark (kind, name, mark)
select * from unnest(:kinds::text[], :names::text[], :marks::bytea[])
on conflict do nothing;

-- name: restored(reason)$
-- scope: none, of the database itself
insert into restoration (reason) values (:reason) returning id;
