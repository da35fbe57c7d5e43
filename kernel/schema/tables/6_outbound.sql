-- What somebody is told inside the app (站内信): an employee or an investor, by audience and number.
create table notice (
    id            uuid primary key,
    audience      text not null check (audience in ('staff', 'investor')),
    subject       text not null,
    kind          text not null,
    title         text not null,
    body          text not null,
    link          text,
    once          text not null default '',        -- a second one with the same is not given
    at            timestamptz not null default clock_timestamp(),  -- when it was given, which may be long after its id
    read_at       timestamptz,
    changed_in    xid8 not null default pg_current_xact_id(),
    title_en      text,                            -- in English too, where the house tells it by itself
    body_en       text,
    check (num_nulls(title_en, body_en) <> 1)
);
create index notice_own on notice (audience, subject, at, id);
create index notice_unread on notice (audience, subject) where read_at is null;
create unique index notice_once on notice (audience, subject, once) where once <> '';
alter table notice enable row level security;
alter table notice force row level security;
create policy own on notice using (audience || ':' || subject = (select current_setting('hexad.principal', true)));
create policy system on notice using ((select current_setting('hexad.scope', true)) = 'company');
create policy given on notice for insert with check (true);

-- Templates (模板): named; what they say is in their versions, of which the newest approved one is sent.
create table template (
    code      text primary key,
    name      text not null,
    purpose   text not null check (purpose in ('transactional', 'service', 'marketing')),
    topic     text not null default '',            -- what consent may be given or withdrawn for, within the purpose
    most      smallint not null default 3 check (most between 1 and 100),  -- per person in 24 hours
    version   bigint not null default nextval('row_version')
);

create table template_version (
    code         text not null references template,
    number       integer not null check (number > 0),
    variables    jsonb not null,                   -- [{"name", "type"}]
    texts        jsonb not null,                   -- by language: sms, email (subject, text, html), in_app (title, body, link)
    made_by      text not null,
    made_at      timestamptz not null default now(),
    approved_by  text check (approved_by <> made_by),
    approved_at  timestamptz check ((approved_at is null) = (approved_by is null)),
    primary key (code, number)
);

-- Who wants, or does not want, to be told what by which channel (同意): one row for every word given, never changed but
-- for its end. An empty topic is every topic of the purpose.
create table consent (
    id           bigint generated always as identity primary key,
    customer_id  integer not null references customer,
    purpose      text not null check (purpose in ('service', 'marketing')),
    channel      text not null check (channel in ('sms', 'email', 'push', 'in_app')),
    topic        text not null default '',
    allowed      boolean not null,
    source       text not null check (source in ('investor', 'staff', 'reply', 'link')),
    evidence     text not null,                    -- how it can be proven: the contract, the call, the reply
    given_by     text not null,
    at           timestamptz not null default clock_timestamp(),
    ended_at     timestamptz                       -- another word took its place
);
create unique index consent_standing on consent (customer_id, channel, purpose, topic) where ended_at is null;
create index consent_history on consent (customer_id, id);

-- Addresses that reach nobody, or somebody who complained, each reason with the message and the time it came from;
-- `address` is the number's blind index or the e-mail's hash.
-- Kept until staff lift them: the audit log tells who did and why.
create table suppression (
    customer_id  integer not null references customer,
    channel      text not null check (channel in ('sms', 'email')),
    address      bytea not null,
    reason       text not null check (reason in ('hard_bounce', 'complaint')),
    message_id   uuid not null,
    at           timestamptz not null default now(),
    id           bigint generated always as identity,
    primary key (customer_id, channel, address, reason)
);
create unique index suppression_id on suppression (id);

-- How e-mails of a broadcast were answered lately, minute by minute, so that one that bounces is stopped. Kept for an hour.
create table bounce_tally (
    broadcast_id  uuid not null,
    minute        timestamptz not null,
    answers       integer not null,                -- e-mails that were answered in that minute
    bounces       integer not null,                -- those of them that were refused for good
    primary key (broadcast_id, minute)
);
create index bounce_tally_minute on bounce_tally (minute);

-- One text for many (群发): what is sent, to whom, by which channels in this order; expanded into messages in chunks.
create table broadcast (
    id                uuid primary key,
    kind              text not null,
    template          text not null,
    template_version  integer not null,
    purpose           text not null check (purpose in ('transactional', 'service', 'marketing')),
    topic             text not null default '',
    channels          text[] not null check (cardinality(channels) between 1 and 4),
    given             jsonb not null default '{}', -- the values of the template's variables
    product_code      text,
    customers         integer[] not null,          -- the audience as it was at the start
    total             integer not null,            -- so many they are
    expanded          integer not null default 0,  -- so many of them are messages by now
    state             text not null default 'running' check (state in ('running', 'paused', 'cancelled', 'done')),
    started_by        text not null,
    once              text not null default '',    -- a second one with the same is not started
    created_at        timestamptz not null default now(),
    not_before        timestamptz not null default now(),
    expires_at        timestamptz not null,
    finished_at       timestamptz,                 -- nothing of it waits any more
    version           bigint not null default nextval('row_version'),
    silent_at         timestamptz,                 -- what of it had no last receipt by then is unknown for good
    foreign key (template, template_version) references template_version
);
create unique index broadcast_once on broadcast (once) where once <> '';
create index broadcast_open on broadcast (created_at) where finished_at is null;
create index broadcast_own on broadcast (started_by, id);
create index broadcast_silent on broadcast (expires_at) where silent_at is null;

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

-- One message to one person (外发消息). Written four times in its life, a million of them a day: no column more than needed.
-- Whom and what it is about stands elsewhere and is no reference, enforced or not: each new month would lock those tables.
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
create index outgoing_broadcast on outgoing (broadcast_id, state, channel, id);
create index outgoing_customer on outgoing (customer_id, id);

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

-- What gateways said became of messages. Kept whoever it came from: `problem` says why it was not believed, for instance
-- that nobody vouches for its being the gateway that it names, or that the message went to another.
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
create index receipt_problem on receipt (received_at) where problem is not null;
create index receipt_unknown_gateway on receipt (gateway) where problem = 'unknown_gateway'; -- until it is named

-- What people wrote to us by SMS; number and text are sealed, `digest` tells them apart: gateways use an id again.
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
create index inbound_number on inbound (number, at);
create index inbound_unknown_gateway on inbound (gateway) where meaning = 'unknown_gateway'; -- until it is named

-- When who is told by itself (提醒规则); `event` says who is concerned and on which day.
create table reminder_rule (
    code         text primary key,
    event        text not null check (event in ('birthday', 'questionnaire_expires')),
    template     text not null references template,
    channels     text[] not null,
    at           time not null,
    days_before  smallint not null check (days_before between 0 and 365),
    catch_up     smallint not null check (catch_up between 0 and 31),  -- so many days late it still makes sense
    owner        text not null,
    enabled      boolean not null default true,
    produced_on  date,                             -- the last day for which it was done
    version      bigint not null default nextval('row_version')
);

create table reminder (
    rule          text not null references reminder_rule,
    customer_id   integer not null references customer,
    occurrence    date not null,
    broadcast_id  uuid not null references broadcast,
    primary key (rule, customer_id, occurrence)
);

alter table consent enable row level security;
alter table consent force row level security;
create policy reach on consent using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = consent.customer_id)
    end);

alter table suppression enable row level security;
alter table suppression force row level security;
create policy reach on suppression using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = suppression.customer_id)
    end);

alter table outgoing enable row level security;
alter table outgoing force row level security;
alter table outgoing_default enable row level security; -- without a policy: by its own name nobody sees anything in it
alter table outgoing_default force row level security;
create policy reach on outgoing using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = outgoing.customer_id)
    end);
-- Whoever started it counts all of its messages, also those to people who are not in their scope any more.
create policy own on outgoing using (
    broadcast_id = any (array (select b.id from broadcast b
                                where b.started_by = (select current_setting('hexad.principal', true)))));

alter table broadcast enable row level security;
alter table broadcast force row level security;
create policy own on broadcast using (started_by = (select current_setting('hexad.principal', true)));
create policy system on broadcast using ((select current_setting('hexad.scope', true)) = 'company');
