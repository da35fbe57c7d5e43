-- name: role()^
-- scope: none, the catalogue
select current_user as name, r.rolsuper or r.rolbypassrls as above_the_law, version() as version,
       (select count(*) from pg_class c where c.relowner = r.oid) as owned,
       extract(epoch from clock_timestamp())::float8 as now
  from pg_roles r
 where r.rolname = current_user;

-- name: unforced()
-- scope: none, the catalogue
select c.relname
  from pg_class c
 where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
   and (c.relrowsecurity <> c.relforcerowsecurity
        or (not c.relrowsecurity and exists (select from pg_policy p where p.polrelid = c.oid)))
 order by c.relname;

-- name: forced()$
-- scope: none, the catalogue
select count(*) from pg_class where relnamespace = 'public'::regnamespace and relforcerowsecurity;

-- name: backlog()^
-- scope: none, a count and an age
select count(*) as due, coalesce(extract(epoch from now() - min(available_at)), 0)::float8 as age
  from (select available_at from outbox where available_at <= now() order by available_at limit 100000) as due;

-- name: set_aside()
-- scope: none, ids only
select event_id, handler, count(*) over () as total
  from job where state = 'set_aside' order by started_at desc limit 5;

-- name: workers(silence)^
-- scope: none, a count
select count(*) filter (where seen_at > now() - make_interval(secs => :silence)) as living,
       count(*) filter (where seen_at <= now() - make_interval(secs => :silence)) as silent
  from worker;

-- name: occurrences()
-- scope: none, schedules belong to nobody
select name, max(due_at) as due_at, extract(epoch from now() - max(due_at))::float8 as age
  from schedule_run group by name order by name;

-- name: running()$
-- scope: none, the server's own clock
select extract(epoch from now() - pg_postmaster_start_time())::float8;

-- name: seals()^
-- scope: none, hashes only
select coalesce((select extract(epoch from clock_timestamp() - a.at)
                   from audit_unsealed u join audit a on a.id = u.audit_id
                  order by u.audit_id limit 1), 0)::float8 as lag,
       s.position, s.hash
  from (select 1) as always
  left join (select position, hash from audit_seal order by position desc limit 1) as s on true;

-- name: hash_at(position)$
-- scope: none, hashes only
select hash from audit_seal where position = :position;

-- name: unsendable()
-- scope: none, counts only
select broadcast_id, reason, sum(messages)::integer as messages
  from broadcast_count
 where broadcast_id > (select uuidv7(interval '-7 days')) and state = 'failed' and reason <> ''
 group by broadcast_id, reason
having sum(messages) > 0
 order by broadcast_id desc;

-- name: months(tables, windows)
-- scope: none, the catalogue
select t.name, coalesce(lacks.months, '{}') as missing, coalesce(outlived.months, '{}') as outlived, has.last
  from unnest(:tables::text[], :windows::interval[]) as t (name, kept)
 cross join lateral (select to_char(max(month), 'YYYY-MM') as last from months_of(t.name) as month) as has
 cross join lateral (select array_agg(to_char(month, 'YYYY-MM') order by month) as months
                       from months_missing(t.name, now(), 1) as month) as lacks
 cross join lateral (select array_agg(to_char(month, 'YYYY-MM') order by month) as months
                       from months_of(t.name) as month
                      where month + interval '1 month' <= (now() - t.kept) at time zone 'UTC') as outlived;
