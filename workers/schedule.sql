-- name: last(name)$
-- scope: none, schedules belong to nobody
select max(due_at) from schedule_run where name = :name;

-- name: add(name, due_at, event_id)!
-- scope: none, schedules belong to nobody
insert into schedule_run (name, due_at, event_id) values (:name, :due_at, :event_id)
on conflict do nothing;
