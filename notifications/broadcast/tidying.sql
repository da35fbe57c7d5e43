-- name: lose(silence)!
-- scope: none, the system looks after everybody's messages
update outgoing set state = 'unknown', at = clock_timestamp()
 where id in (select o.id
                from outgoing o
                join broadcast b on b.id = o.broadcast_id
               where b.finished_at is null and o.state = 'sending'
                 and o.id >= first_message(least(b.created_at, b.not_before))
                 and o.at < clock_timestamp() - make_interval(secs => :silence)
               limit 5000
                 for update of o skip locked);

-- name: give_up(wait)!
-- scope: none, the system looks after everybody's messages
update outgoing set state = 'failed', reason = 'unanswered', at = clock_timestamp()
 where id in (select o.id
                from outgoing o
                join broadcast b on b.id = o.broadcast_id
               where b.finished_at is null and o.state = 'unknown'
                 and o.id >= first_message(least(b.created_at, b.not_before))
                 and (o.attempt >= 5 or b.state = 'cancelled' or b.expires_at <= now())
                 and o.at < clock_timestamp() - make_interval(secs => :wait)
               limit 5000
                 for update of o skip locked);

-- name: end_waiting()!
-- scope: none, the system looks after everybody's messages
update outgoing o
   set state = case ended.state when 'cancelled' then 'skipped' else 'expired' end,
       reason = case ended.state when 'cancelled' then 'cancelled' end, at = clock_timestamp()
  from (select o.id, b.state
          from outgoing o
          join broadcast b on b.id = o.broadcast_id
         where b.finished_at is null and o.state = 'queued' and o.id >= first_message(least(b.created_at, b.not_before))
           and (b.state = 'cancelled' or b.expires_at <= now())
         limit 5000
           for update of o skip locked) as ended
 where o.id = ended.id;

-- name: lock_open()
-- scope: none, the system looks after everybody's messages
select id from broadcast where finished_at is null and expanded >= total and not_before <= now() for update skip locked;

-- name: finish(ids)!
-- scope: none, the system looks after everybody's messages
update broadcast b
   set finished_at = clock_timestamp(), state = case b.state when 'cancelled' then 'cancelled' else 'done' end,
       version = nextval('row_version')
 where b.id = any (:ids::uuid[])
   and not exists (select from outgoing o
                    where o.broadcast_id = b.id and o.state in ('queued', 'sending', 'unknown')
                      and o.id >= first_message(least(b.created_at, b.not_before)));

-- name: fold(size)!
-- scope: none, numbers of messages alone
with fresh as (
    select id, broadcast_id from broadcast_count where not folded order by id limit :size for update skip locked
), before as (
    select id from broadcast_count
     where folded and broadcast_id in (select broadcast_id from fresh)
       for update skip locked
), taken as (
    delete from broadcast_count
     where id in (select id from fresh union all select id from before)
    returning broadcast_id, state, reason, messages
)
insert into broadcast_count (broadcast_id, state, reason, messages, folded)
select broadcast_id, state, reason, sum(messages), true
  from taken
 group by broadcast_id, state, reason
having sum(messages) <> 0;
