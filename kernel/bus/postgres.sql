-- name: tell(messages)
-- scope: none, events carry ids only
select pg_notify('hexad', message) from unnest(:messages::text[]) as message;

-- name: answer()$
-- scope: none, no row is read
select 1;
