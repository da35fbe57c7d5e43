-- name: backlog(tables)^
-- scope: none, jobs and events hold ids only
select (select count(*) from (select from outbox where available_at <= now() limit 100000) as due) as due,
       greatest(0, extract(epoch from now() - least( -- by the index, which begins with `urgent`
           (select available_at from outbox where urgent order by available_at limit 1),
           (select available_at from outbox where not urgent order by available_at limit 1))))::float8 as oldest,
       (select count(*) from job where state = 'set_aside') as set_aside,
       (select count(*) from unnest(:tables::text[]) as one (name), months_missing(one.name, now(), 1)) as months_missing;
