-- name: find(day)^
-- record_class: Override
-- scope: none, the calendar is everybody's
select day, open, note, version from trading_day where day = :day;

-- name: find_for_update(day)^
-- record_class: Override
-- scope: none, the calendar is everybody's
select day, open, note, version from trading_day where day = :day for update;

-- name: list_range(first, last)
-- record_class: Override
-- scope: none, the calendar is everybody's
select day, open, note, version from trading_day where day between :first and :last order by day;

-- name: add(day, open, note)^
-- record_class: Override
-- scope: none, the calendar is everybody's
insert into trading_day (day, open, note)
values (:day, :open, :note)
on conflict (day) do nothing
returning day, open, note, version;

-- name: change(day, open, note)^
-- record_class: Override
-- scope: none, the calendar is everybody's
update trading_day
   set open = :open, note = :note, version = nextval('row_version'), changed_at = now()
 where day = :day
returning day, open, note, version;

-- name: remove(day)!
-- scope: none, the calendar is everybody's
delete from trading_day where day = :day;
