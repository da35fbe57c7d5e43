-- name: note(ids, bounced, minutes)
-- record_class: Lately
-- scope: none, the system looks after everybody's messages
with counted as (
    select o.broadcast_id, count(distinct o.id)::int4 as answers, -- each message once, however often it is told
           (count(distinct o.id) filter (where given.bounced and o.state not in ('undelivered', 'failed')))::int4 as bounces
      from unnest(:ids::uuid[], :bounced::boolean[]) as given (id, bounced)
      join outgoing o on o.id = given.id
     where o.channel = 'email'
     group by o.broadcast_id
), noted as (
    insert into bounce_tally as before (broadcast_id, minute, answers, bounces)
    select broadcast_id, date_trunc('minute', now()), answers, bounces from counted order by broadcast_id
    on conflict (broadcast_id, minute) do update
       set answers = before.answers + excluded.answers, bounces = before.bounces + excluded.bounces
    returning broadcast_id, minute, answers, bounces
)
select n.broadcast_id, (n.answers + coalesce(sum(t.answers), 0))::int4 as answers,
       (n.bounces + coalesce(sum(t.bounces), 0))::int4 as bounces
  from noted n
  left join bounce_tally t on t.broadcast_id = n.broadcast_id and t.minute < n.minute
                          and t.minute > now() - make_interval(mins => :minutes)
 group by n.broadcast_id, n.answers, n.bounces;

-- name: begin_anew(broadcast_id)!
-- scope: none, the system looks after everybody's messages
delete from bounce_tally where broadcast_id = :broadcast_id;

-- name: forget(window)!
-- scope: none, the system looks after everybody's messages
delete from bounce_tally where minute < now() - :window::interval;
