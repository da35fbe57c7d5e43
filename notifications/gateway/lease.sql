-- name: hold(ids, sealed, lease, gateway, purpose, seconds)
-- scope: none, messages belong to the gateway that holds them
insert into sms_lease as held (id, lease, gateway, purpose, sealed, until)
select id, :lease, :gateway, :purpose, sealed, now() + make_interval(secs => :seconds)
  from unnest(:ids::uuid[], :sealed::bytea[]) as given (id, sealed)
on conflict (id) do update
   set lease = excluded.lease, gateway = excluded.gateway, purpose = excluded.purpose, sealed = excluded.sealed,
       until = excluded.until, done = false
 where held.until < now()
returning id;

-- name: settle(lease, gateway, ids)
-- scope: none, a gateway settles what it holds itself
update sms_lease
   set done = true
 where lease = :lease and gateway = :gateway and id = any(:ids::uuid[]) and (done or until > now())
returning id;

-- name: overdue(size)
-- record_class: Overdue
-- scope: none, what was not acknowledged is nobody's any more
select id, purpose, sealed, done
  from sms_lease
 where until < now()
 order by until
 limit :size
   for update skip locked;

-- name: remove(ids)!
-- scope: none, what was settled or has gone back to its queue
delete from sms_lease where id = any(:ids::uuid[]);
