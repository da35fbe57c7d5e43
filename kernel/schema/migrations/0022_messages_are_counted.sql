-- Figures of a broadcast, and any page of its messages, cost the same whatever its size; notices stand in the order in
-- which they were given.
-- How many messages of a broadcast are in which state, kept as they change: rows are added by the statement that moves
-- messages, so that nobody waits for anybody, and added up by the tidier; their sum is right at every moment. Kept as
-- long as the broadcast. `reason` tells apart what was skipped, and what failed as we could not make it.
create table broadcast_count (
    id            bigint generated always as identity primary key,
    broadcast_id  uuid not null references broadcast not enforced,
    state         text not null,
    reason        text not null default '',
    messages      integer not null,
    folded        boolean not null default false   -- a sum of earlier rows
);
create index broadcast_count_of on broadcast_count (broadcast_id) include (state, reason, messages);
create index broadcast_count_fresh on broadcast_count (id) where not folded;

create function told_apart(state text, reason text) returns text language sql immutable parallel safe
    return case when state = 'skipped' or state = 'failed' and reason in ('unreadable', 'unsendable')
                then coalesce(reason, '') else '' end;

create function count_made() returns trigger language plpgsql as $$
begin
    insert into broadcast_count (broadcast_id, state, reason, messages)
    select broadcast_id, state, told_apart(state, reason), count(*) from told group by 1, 2, 3;
    return null;
end $$;
create function count_moved() returns trigger language plpgsql as $$
begin
    insert into broadcast_count (broadcast_id, state, reason, messages)
    select broadcast_id, state, reason, sum(messages)
      from (select broadcast_id, state, told_apart(state, reason) as reason, count(*) as messages from told group by 1, 2, 3
            union all
            select broadcast_id, state, told_apart(state, reason), -count(*) from was group by 1, 2, 3) as moved
     group by 1, 2, 3
    having sum(messages) <> 0;
    return null;
end $$;
create trigger count_made after insert on outgoing referencing new table as told
    for each statement execute function count_made();
create trigger count_moved after update on outgoing referencing old table as was new table as told
    for each statement execute function count_moved();
insert into broadcast_count (broadcast_id, state, reason, messages, folded)
select broadcast_id, state, told_apart(state, reason), count(*), true from outgoing group by 1, 2, 3;

drop index outgoing_broadcast;
create index outgoing_broadcast on outgoing (broadcast_id, state, channel, id);

alter table notice alter column at set default clock_timestamp();
drop index notice_own;
create index notice_own on notice (audience, subject, at, id);
