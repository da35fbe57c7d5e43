-- name: probe(id)^
-- scope: none, a probe belongs to nobody
select handled, extract(epoch from handled_at - sent_at)::float8 as seconds from probe where id = :id;
