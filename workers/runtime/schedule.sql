-- name: last(name, now)$
-- scope: none, schedules belong to nobody; what a clock that was ahead has started counts when its time has come
select max(due_at) from schedule_run where name = :name and due_at <= :now;

-- name: add(name, due_at, event_id)!
-- scope: none, schedules belong to nobody
insert into schedule_run (name, due_at, event_id) values (:name, :due_at, :event_id)
on conflict do nothing;
