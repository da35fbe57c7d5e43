-- name: send(queue, bodies, headers)$
-- scope: none, messages are the broker's
select count(*) from pgmq.send_batch(:queue, cast(:bodies as jsonb[]), cast(:headers as jsonb[]));

-- name: read(queue, lease, at_most)
-- scope: none, messages are the broker's
select msg_id, read_ct, message::text, (headers - 'x-hexad-publisher')::text,
       nullif(headers ->> 'x-hexad-publisher', session_user) as publisher
  from pgmq.read(:queue, :lease, :at_most);

-- name: delete(queue, ids)$
-- scope: none, messages are the broker's
select count(*) from pgmq.delete(:queue, cast(:ids as bigint[]));

-- name: size(queue)$
-- scope: none, messages are the broker's
select queue_length from pgmq.metrics(:queue);

-- name: hold(queue, ids, lease)$
-- scope: none, messages are the broker's
select count(*) from pgmq.set_vt(:queue, cast(:ids as bigint[]), cast(:lease as integer));
