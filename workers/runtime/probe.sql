-- name: add(id)!
-- scope: none, a probe belongs to nobody
insert into probe (id) values (:id);

-- name: count(id)$
-- scope: none, a probe belongs to nobody
update probe set handled = handled + 1, handled_at = now()
 where id = :id
returning cast(extract(epoch from clock_timestamp() - sent_at) as float8);
