-- name: live(id, host, pid, queues)!
-- scope: none, workers belong to nobody
insert into worker (id, host, pid, queues) values (:id, :host, :pid, :queues)
on conflict (id) do update set seen_at = now();

-- name: leave(id)!
-- scope: none, workers belong to nobody
delete from worker where id = :id;
