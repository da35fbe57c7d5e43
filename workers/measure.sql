-- name: backlog()^
-- scope: none, jobs and events hold ids only
select (select count(*) from (select from outbox where available_at <= now() limit 100000) as due) as due,
       (select coalesce(extract(epoch from now() - min(available_at)), 0) from outbox where available_at <= now())::float8
           as oldest,
       (select count(*) from job where state = 'set_aside') as set_aside;
