-- name: claim(broadcast_id, size)
-- record_class: Waiting
-- scope: none, the system sends everybody's messages
select o.id, o.customer_id, c.customer_no, c.name, coalesce(p.language, 'zh') as language
  from outgoing o
  join broadcast b on b.id = o.broadcast_id
  join customer c on c.id = o.customer_id
  left join preference p on p.customer_id = o.customer_id
 where o.broadcast_id = :broadcast_id and o.state = 'queued' and o.channel = 'in_app' and b.state = 'running'
 order by o.id
 limit :size
   for update of o skip locked;

-- name: look(ids)
-- scope: none, the system sends everybody's messages
select o.id, seen.reason
  from outgoing o
 cross join lateral hindrance(o.broadcast_id, o.customer_id, o.channel, o.id) as seen
 where o.id = any (:ids::uuid[]) and seen.reason is not null;

-- name: give(ids, subjects, titles, bodies, kind, link)!
-- scope: none, the system gives everybody's notices
-- writes: outbox, the events of a whole batch leave with it in one statement
with given as (
    select * from unnest(:ids::uuid[], :subjects::text[], :titles::text[], :bodies::text[])
        as given (id, subject, title, body)
), noticed as (
    insert into notice (id, audience, subject, kind, title, body, link)
    select id, 'investor', subject, :kind, title, body, :link from given
), told as (
    insert into outbox (event_id, kind, payload)
    select uuidv7(), 'NoticeGiven', jsonb_build_object('kind', 'NoticeGiven', 'notice_id', id, 'audience', 'investor',
                                                       'subject', subject)
      from given
)
update outgoing o set state = 'delivered', attempt = 1, at = clock_timestamp(), sent_at = clock_timestamp()
  from given
 where o.id = given.id;
