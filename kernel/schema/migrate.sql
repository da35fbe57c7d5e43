-- name: limit_statements(milliseconds)$
-- scope: none, no row is read
select set_config('statement_timeout', :milliseconds, false);

-- name: limit_locks(milliseconds)$
-- scope: none, no row is read
select set_config('lock_timeout', :milliseconds, false);

-- name: take_turns(key)$
-- scope: none, no row is read
select pg_advisory_lock(:key);

-- name: make_months(table, ahead)$
-- scope: none, the function moves rows that nobody reads meanwhile from one part of a table into another
select make_months(:table, now(), :ahead, null);

-- name: has_table(name)$
-- scope: none, the catalog
select to_regclass(:name) is not null;

-- name: last()$
-- scope: none, migrations belong to nobody
select coalesce(max(number), 0) from migration;

-- name: list_applied()
-- scope: none, migrations belong to nobody
select number, sha256 from migration order by number;

-- name: add(number, name, sha256)!
-- scope: none, migrations belong to nobody
insert into migration (number, name, sha256) values (:number, :name, :sha256);

-- name: list_queues()
-- scope: none, names of queues
select queue_name from pgmq.meta;

-- name: create_queue(queue)$
-- scope: none, an empty queue
select pgmq.create(:queue);

-- name: vouch_for_receipts()$
-- scope: none, whoever writes into the queue is named by the database, not by themselves
create or replace trigger vouched before insert on pgmq.q_gateway_receipts
   for each row execute function vouch_for_publisher();

-- name: vouch_for_replies()$
-- scope: none, whoever writes into the queue is named by the database, not by themselves
create or replace trigger vouched before insert on pgmq.q_gateway_inbound
   for each row execute function vouch_for_publisher();
