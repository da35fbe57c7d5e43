-- What 0022 counted of the messages before it was nothing, for the owner sees them as the system only: what its counts lack is
-- added. They and the messages change in one transaction, so one statement sees both as of one moment.
select set_config('hexad.scope', 'company', true), set_config('hexad.principal', 'system:migrate', true);
insert into broadcast_count (broadcast_id, state, reason, messages)
select broadcast_id, state, reason, sum(messages)
  from (select broadcast_id, state, told_apart(state, reason) as reason, count(*) as messages from outgoing group by 1, 2, 3
        union all
        select broadcast_id, state, reason, -sum(messages) from broadcast_count group by 1, 2, 3) as lacking
 group by 1, 2, 3
having sum(messages) <> 0;
