-- contract: since 0.2.0 nobody reads the tables that are put away here: their rows are in those of the same names
-- Messages, receipts and replies lie in months of UTC: what is recent is small, and the lake will take over a month at once.
-- A message and its receipts are in the month in which the message was made, as its id says; a reply is in that of its own
-- time. What no month was made for lies in `…_default`, so that nobody who sends or is answered ever meets an error for it.
-- The least id that a UUIDv7 made at that moment can have.
create function first_id(at timestamptz) returns uuid language sql stable parallel safe
    return (lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

-- No message of a broadcast that was started then, or was due then, has a lesser id: it is made later, and clocks agree
-- within a week.
create function first_message(started timestamptz) returns uuid language sql stable parallel safe
    return (lpad(to_hex(floor(extract(epoch from started - interval '7 days') * 1000)::bigint), 12, '0')
            || repeat('0', 20))::uuid;

-- The months that a table has, by their first days; those of UTC.
create function months_of(of_table text) returns setof timestamp language sql stable as $$
    select to_date(right(c.relname, 7), 'YYYY_MM')::timestamp
      from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
     where i.inhparent = of_table::regclass and c.relname ~ '_[0-9]{4}_[0-9]{2}\Z'
$$;

-- The months that a table should have and has not: from the oldest that it has to so many after that of a moment.
create function months_missing(of_table text, at timestamptz, ahead integer) returns setof timestamp language sql stable as $$
    select series.month
      from (select date_trunc('month', at at time zone 'UTC') as month) as this
     cross join generate_series(least((select min(month) from months_of(of_table) as month), this.month),
                                this.month + make_interval(months => ahead), interval '1 month') as series (month)
     where series.month not in (select month from months_of(of_table) as month)
     order by series.month
$$;

-- Makes one month and takes into it what came before it was made; not where that is more than `most` rows.
create function make_month(of_table text, month timestamp, most bigint) returns boolean language plpgsql as $$
declare
    made text := of_table || to_char(month, '_YYYY_MM');
    rest text := of_table || '_default';
    bounds timestamptz[] := array[month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC'];
    low text := case of_table when 'inbound' then bounds[1]::text else first_id(bounds[1])::text end;
    high text := case of_table when 'inbound' then bounds[2]::text else first_id(bounds[2])::text end;
    early text := format('%I where %I >= %L and %2$I < %4$L', rest,
                         substring(pg_get_partkeydef(of_table::regclass) from '\((.*)\)'), low, high);
    secured boolean := (select relrowsecurity from pg_class where oid = of_table::regclass);
    found bigint;
begin
    execute format('lock table %I in access exclusive mode', rest);
    if to_regclass(made) is not null then -- somebody else was first
        return true;
    end if;
    if secured then -- whoever owns it must see its rows, for this moment in which nobody else does
        execute format('alter table %I no force row level security', rest);
    end if;
    execute format('select count(*) from (select from %s limit %L) as few', early, most + 1) into found;
    if found <= most or most is null then
        execute format('create table %I (like %I including all)', made, of_table);
        if found > 0 then
            execute format('with early as (delete from %s returning *) insert into %I select * from early', early, made);
        end if;
        if secured then -- it has no policy of its own: by its own name nobody sees anything in it
            execute format('alter table %I enable row level security, force row level security', made);
        end if;
        execute format('alter table %I attach partition %I for values from (%L) to (%L)', of_table, made, low, high);
    end if;
    if secured then
        execute format('alter table %I force row level security', rest);
    end if;
    return found <= most or most is null;
end $$;

-- Makes the months that are missing, the oldest first and six at most, and gives the first that it did not make: as more
-- than `most` rows would have to be moved into it, or as the table was in use. They are read and written where they are.
create function make_months(of_table text, at timestamptz, ahead integer, most bigint) returns date
    language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '2s' as $$
declare
    missing timestamp;
begin
    if of_table <> all (array['outgoing', 'receipt', 'inbound']) then
        raise exception '% does not lie in months', of_table using errcode = 'invalid_parameter_value';
    end if;
    for missing in select month from months_missing(of_table, at, ahead) as month limit 6 loop
        begin
            if not make_month(of_table, missing, most) then
                return missing;
            end if;
        exception when lock_not_available then
            return missing;
        end;
    end loop;
    return null;
end $$;

-- The ends of a set of ids: what is looked for by many ids says them too, so that only their months are opened.
create function lowest(ids uuid[]) returns uuid language sql immutable parallel safe return (array_sort(ids))[1];
create function highest(ids uuid[]) returns uuid language sql immutable parallel safe return (array_sort(ids, true))[1];

-- Whoever runs this is kept from the rows by row-level security as everybody is, but for this moment.
alter table outgoing no force row level security;
create schema put_away;
alter table outgoing set schema put_away;
alter table receipt set schema put_away;
alter table inbound set schema put_away;

create table outgoing (
    id            uuid primary key,
    broadcast_id  uuid not null,
    customer_id   integer not null,
    attempt       smallint not null default 0 check (attempt between 0 and 5),
    channel       text not null check (channel in ('sms', 'email', 'push', 'in_app')),
    state         text not null check (state in ('queued', 'sending', 'unknown', 'sent', 'delivered', 'undelivered',
                                                 'expired', 'failed', 'skipped', 'held')),
    reason        text,
    consent_id    bigint,
    at            timestamptz not null default clock_timestamp(),
    content       bytea,                           -- sealed: exactly what was handed over, number or address included
    sent_at       timestamptz                      -- when it was last on its way: a person gets only so many in 24 hours
) partition by range (id);
create table outgoing_default partition of outgoing default;
alter table outgoing enable row level security;
alter table outgoing_default enable row level security; -- without a policy: by its own name nobody sees anything in it
alter table outgoing_default force row level security;

create table receipt (
    message_id   uuid not null,
    gateway      text not null,
    gateway_id   text not null,
    status       text not null check (status in ('accepted', 'delivered', 'undelivered', 'rejected', 'expired')),
    at           timestamptz not null,
    times        integer not null default 1,       -- so often it came
    received_at  timestamptz not null default now(),
    code         text not null,
    problem      text check (problem in ('unknown_id', 'unknown_gateway', 'other_gateway')),
    primary key (message_id, gateway, gateway_id, status, at, code)
) partition by range (message_id);
create table receipt_default partition of receipt default;

create table inbound (
    gateway      text not null,
    gateway_id   text not null,
    at           timestamptz not null,
    number       bytea not null,                   -- blind index
    sealed       bytea not null,
    meaning      text not null check (meaning in ('opt_out', 'opt_out_all', 'other', 'unknown_gateway', 'other_gateway')),
    received_at  timestamptz not null default now(),
    digest       bytea not null default '',        -- of numbers and text, as a blind index
    primary key (gateway, gateway_id, at, digest)
) partition by range (at);
create table inbound_default partition of inbound default;

do $$
declare
    oldest timestamptz := greatest(now() - interval '10 years',
                                   least(now(), (select min(uuid_extract_timestamp(id)) from put_away.outgoing)));
    one timestamp;
begin
    for one in select generate_series(date_trunc('month', oldest at time zone 'UTC'),
                                      date_trunc('month', now() at time zone 'UTC') + interval '3 months',
                                      interval '1 month') loop
        perform make_month(of_table, one, null) from unnest(array['outgoing', 'receipt', 'inbound']) as of_table;
    end loop;
end $$;
insert into outgoing (id, broadcast_id, customer_id, attempt, channel, state, reason, consent_id, at, content, sent_at)
select id, broadcast_id, customer_id, attempt, channel, state, reason, consent_id, at, content, sent_at
  from put_away.outgoing;
insert into receipt (message_id, gateway, gateway_id, status, at, times, received_at, code, problem)
select message_id, gateway, gateway_id, status, at, times, received_at, code, problem
  from put_away.receipt;
insert into inbound (gateway, gateway_id, at, number, sealed, meaning, received_at, digest)
select gateway, gateway_id, at, number, sealed, meaning, received_at, digest
  from put_away.inbound;
drop table put_away.outgoing, put_away.receipt, put_away.inbound;
drop schema put_away;

create index outgoing_broadcast on outgoing (broadcast_id, state, channel, id);
create index outgoing_customer on outgoing (customer_id, id);
create index receipt_problem on receipt (received_at) where problem is not null;
create index receipt_unknown_gateway on receipt (gateway) where problem = 'unknown_gateway'; -- until it is named
create index inbound_number on inbound (number, at);
create index inbound_unknown_gateway on inbound (gateway) where meaning = 'unknown_gateway'; -- until it is named

create policy reach on outgoing using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = outgoing.customer_id)
    end);
-- Whoever started it counts all of its messages, also those to people who are not in their scope any more.
create policy own on outgoing using (
    broadcast_id = any (array (select b.id from broadcast b
                                where b.started_by = (select current_setting('hexad.principal', true)))));

create trigger count_made after insert on outgoing referencing new table as told
    for each statement execute function count_made();
create trigger count_moved after update on outgoing referencing old table as was new table as told
    for each statement execute function count_moved();

-- Migration 0022 counted what it could see, which was nothing: row-level security keeps the owner from the rows.
delete from broadcast_count;
insert into broadcast_count (broadcast_id, state, reason, messages, folded)
select broadcast_id, state, told_apart(state, reason), count(*), true from outgoing group by 1, 2, 3;
alter table outgoing force row level security;

-- The same rule, which looks into no month to come.
create or replace function hindrance(of_broadcast uuid, of_customer integer, by_channel text, of_message uuid, went_to bytea)
returns table (reason text, consent_id bigint) language sql stable parallel safe as $$
select case when b.state = 'cancelled' then 'cancelled'
            when c.status = 'closed' or not lasts(c.closed_on) then 'closed'
            when went_to is null and by_channel = 'sms' and coalesce(c.mobile_index, k.mobile_index) is null then 'no_mobile'
            when went_to is null and by_channel = 'email' and coalesce(c.email, k.email) is null
                then 'no_email'
            when went_to is null and by_channel = 'email' and not sendable(coalesce(c.email, k.email))
                then 'bad_address'
            when said.allowed is false then 'opted_out'
            when b.purpose = 'marketing' and said.allowed is null then 'no_consent'
            when b.purpose <> 'transactional' and exists (
                select from suppression s
                 where s.customer_id = c.id and s.channel = by_channel
                   and s.address = coalesce(went_to, case by_channel
                           when 'sms' then coalesce(c.mobile_index, k.mobile_index)
                           else sha256(convert_to(lower(coalesce(c.email, k.email)), 'UTF8')) end))
                then 'suppressed'
            when b.purpose <> 'transactional' and t.most <= (
                select count(*) -- from what each got, never from all that a broadcast sent
                  from outgoing o
                 cross join lateral (select template from broadcast where id = o.broadcast_id offset 0) as other
                 where o.customer_id = c.id and o.id > (select uuidv7(interval '-91 days')) -- nothing waits for longer
                   and o.id < (select first_id(now() + interval '1 day')) -- no month to come is opened
                   and o.broadcast_id <> b.id and other.template = b.template
                   and case o.state when 'skipped' then false when 'expired' then false
                                    when 'queued' then o.id > (select uuidv7(interval '-24 hours'))
                                                       and (of_message is null or o.id < of_message)
                                    when 'sending' then of_message is null or o.id < of_message
                                    else o.sent_at > now() - interval '24 hours' end)
                then 'frequency'
            when of_message is not null and b.product_code is not null
                then nullif(coalesce(suits.reason, 'product_withdrawn'), 'suitable')
       end, said.consent_id
  from broadcast b
  join template t on t.code = b.template
 cross join customer c
  left join contact k on k.customer_id = c.id
  left join lateral (
      select bool_and(w.allowed) as allowed, (array_agg(w.id order by w.allowed, w.id desc))[1] as consent_id
        from consent w
       where w.customer_id = c.id and w.channel = by_channel and w.purpose = b.purpose and w.topic in ('', b.topic)
         and w.ended_at is null) as said on true
  left join lateral suitability_of(b.product_code, c.id) as suits on of_message is not null and b.product_code is not null
 where b.id = of_broadcast and c.id = of_customer;
$$;
