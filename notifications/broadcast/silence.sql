-- name: overdue(wait, but)$
-- scope: none, the system looks after everybody's messages
select id
  from broadcast
 where silent_at is null and finished_at is not null
   and id <> all (:but::uuid[])
   and expires_at < clock_timestamp() - make_interval(secs => :wait)
 order by expires_at
 limit 1
   for update skip locked;

-- name: hold(broadcast_id, size)
-- scope: none, the system looks after everybody's messages
select o.id
  from outgoing o
 where o.broadcast_id = :broadcast_id and o.state = 'sent'
   and (o.channel = 'sms' -- a carrier owes a last word; of e-mail that a relay took there may be none
        or not exists (select from receipt r where r.message_id = o.id and r.problem is null))
 order by o.id -- as receipts lock them
 limit :size
   for no key update of o;

-- name: silence(ids)!
-- scope: none, the system looks after everybody's messages
update outgoing set state = 'unknown', reason = 'no_receipt', at = clock_timestamp()
 where id = any (:ids::uuid[]) and state = 'sent';

-- name: settled(broadcast_id)!
-- scope: none, the system looks after everybody's messages
update broadcast set silent_at = clock_timestamp() where id = :broadcast_id;
