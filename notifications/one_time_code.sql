-- name: find_waiting(id)^
-- record_class: Waiting
-- scope: none, the worker sends it on behalf of whoever asked
select c.id, c.purpose, c.sealed, c.mobile, coalesce(p.language, 'zh') as language, c.created_at, c.expires_at, c.about
  from one_time_code c
  left join customer on c.audience = 'investor' and customer.customer_no = c.subject
  left join preference p on p.customer_id = customer.id
 where c.id = :id and c.sealed is not null and c.mobile is not null and c.used_at is null
   and c.expires_at > clock_timestamp();

-- name: forget(id)!
-- scope: none, what was sent, or can be sent no more
update one_time_code set sealed = null where id = :id and sealed is not null;
