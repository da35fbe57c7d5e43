-- name: try_lock()$
-- scope: none, no row is read
select pg_try_advisory_lock(1229866067);

-- name: recorded(source)
-- scope: none, deliveries belong to nobody
select feed, day, encode(sha256, 'hex') as sha256 from delivery where source = :source;

-- name: record(day, source, feed, sha256, rows, changed)!
-- scope: none, deliveries belong to nobody
insert into delivery (day, source, feed, sha256, rows, changed)
values (:day, :source, :feed, decode(:sha256, 'hex'), :rows, :changed)
    on conflict (source, feed, day)
    do update set sha256 = excluded.sha256, rows = excluded.rows, changed = excluded.changed, loaded_at = now();
