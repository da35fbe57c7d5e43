-- name: wait_in_turn(keys)
-- scope: none, takes advisory locks, in one order for all
select pg_advisory_xact_lock(one.number)
  from (select distinct hashtextextended(key, 0) as number from unnest(:keys::text[]) as key order by 1) as one;
