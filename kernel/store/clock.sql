-- name: now()$
-- scope: none, no row is read
select clock_timestamp();
