-- Products (产品) of the advisory platform, who has subscribed to them, and what advisers say about them.
create table product (
    product_code  text primary key,
    name          text not null,
    category      text not null check (category in ('financial', 'information', 'advisory')),
    risk_level    smallint not null check (risk_level between 1 and 5),
    price         numeric(12, 4) check (price >= 0),
    period_days   integer check (period_days >= 0),
    status        text not null check (status in ('on', 'off')),
    source        text not null,
    digest        bytea not null,        -- of the delivered row; empty: it is delivered no more
    changed_in    xid8 not null default pg_current_xact_id(),
    version       bigint not null default nextval('row_version')
);

-- References are proven by the loader over whole sets, as those of `account` are.
create table contract (
    contract_no   text primary key,
    customer_id   integer not null references customer not enforced,
    product_code  text not null references product not enforced,
    kind          text not null check (kind in ('advisory', 'service', 'product', 'trial')),
    signed_on     date not null,
    ended_on      date check (ended_on >= signed_on),     -- the first day on which it no longer holds
    polled        boolean not null default false,         -- told by the platform before any delivery had it
    source        text not null,
    digest        bytea not null,
    changed_in    xid8 not null default pg_current_xact_id()
);
create index contract_customer on contract (customer_id, product_code) include (signed_on, ended_on);
create index contract_product on contract (product_code, customer_id) include (signed_on, ended_on);

-- The suitability questionnaire (适当性问卷) that investors answer themselves; the newest version is asked.
create table questionnaire (
    version       integer primary key,
    valid_days    integer not null check (valid_days between 1 and 3660),
    published_at  timestamptz not null default now()
);

create table question (
    version  integer not null references questionnaire,
    number   smallint not null check (number between 1 and 50),
    text_zh  text not null,
    text_en  text not null,
    primary key (version, number)
);

create table question_choice (
    version  integer not null,
    number   smallint not null,
    letter   text not null check (letter ~ '^[A-H]$'),
    points   smallint not null check (points between 0 and 100),
    text_zh  text not null,
    text_en  text not null,
    primary key (version, number, letter),
    foreign key (version, number) references question
);

-- Every answered questionnaire, delivered or given here: a customer's newest one is the one that counts.
create table assessment (
    customer_id            integer not null references customer not enforced,
    at                     timestamptz not null,
    source                 text not null,                 -- the source system; 'hexad': answered here
    day                    date,                          -- of the delivery
    score                  smallint not null check (score between 0 and 100),
    risk_level             smallint not null check (risk_level between 1 and 5),
    expires_on             date not null,                 -- the first day on which it no longer holds
    questionnaire_version  integer references questionnaire,
    answers                text,                          -- one letter per question, in their order
    digest                 bytea not null default '',
    changed_in             xid8 not null default pg_current_xact_id(),
    primary key (customer_id, at, source),
    check ((day is null) = (answers is not null)),
    check ((answers is null) = (questionnaire_version is null))
);
create index assessment_day on assessment (source, day) where day is not null;

-- Customers stand at their newest assessment, whoever writes one: once per statement, so that loads do not pay by the row.
create function stand_at_newest() returns trigger language plpgsql as $$
begin
    update customer c
       set assessed_at = newest.at, assessed_level = newest.risk_level, assessed_until = newest.expires_on,
           changed_in = pg_current_xact_id(), version = nextval('row_version')
      from (select distinct customer_id from told) as d
      left join lateral (
               select at, risk_level, expires_on
                 from assessment
                where customer_id = d.customer_id
                order by at desc, source desc
                limit 1) as newest on true
     where c.id = d.customer_id
       and (c.assessed_at, c.assessed_level, c.assessed_until)
           is distinct from (newest.at, newest.risk_level, newest.expires_on);
    return null;
end $$;
create trigger stand_after_insert after insert on assessment referencing new table as told
    for each statement execute function stand_at_newest();
create trigger stand_after_update after update on assessment referencing new table as told
    for each statement execute function stand_at_newest();
create trigger stand_after_delete after delete on assessment referencing old table as told
    for each statement execute function stand_at_newest();

-- What a customer can bear (风险承受能力) and until when, by whatever said so last: an assessment, or the source
-- system of the customer, whose level holds two years.
create view standing with (security_invoker) as
select id as customer_id, standing_at as at, standing_level as risk_level, standing_until as expires_on from customer;

-- Every decision whether a product suits a customer (适当性匹配), with what it was based on.
create table suitability (
    id             uuid primary key,
    customer_id    integer not null references customer not enforced,
    product_code   text not null references product,
    at             timestamptz not null default now(),
    purpose        text not null check (purpose in ('check', 'subscribe', 'message')),
    allowed        boolean not null,
    reason         text not null check (reason in ('suitable', 'no_questionnaire', 'questionnaire_expired', 'risk_too_high',
                                                   'product_withdrawn', 'customer_not_active')),
    product_level  smallint not null,
    level          smallint,             -- of the customer, as `standing` had it
    assessed_at    timestamptz,
    expires_on     date
);
create index suitability_customer on suitability (customer_id, id);

-- What an investor agrees to when subscribing; the newest version is the one in force.
create table agreement (
    version       integer primary key,
    title_zh      text not null,
    title_en      text not null,
    text_zh       text not null,
    text_en       text not null,
    published_at  timestamptz not null default now()
);

-- A subscription (签约): requested here, decided by the advisory platform.
create table subscription (
    id                 uuid primary key,
    customer_id        integer not null references customer not enforced,
    product_code       text not null references product,
    state              text not null default 'requested'
                       check (state in ('requested', 'confirmed', 'refused', 'failed', 'cancelled', 'expired')),
    reason             text not null default '',          -- why it was refused, failed or cancelled
    price              numeric(12, 4),                    -- as the investor saw and accepted it
    agreement_version  integer not null references agreement,
    suitability_id     uuid not null references suitability,
    channel            text not null check (channel in ('in_app', 'sms', 'email')),  -- how advisers' views come
    contract_no        text,
    requested_at       timestamptz not null default now(),
    decided_at         timestamptz,
    cancel_asked_at    timestamptz,
    tries              integer not null default 0,        -- how often the platform was asked for what is due now
    next_try_at        timestamptz,                       -- null: nothing is to be said to the platform
    problem            text not null default '',          -- what came of the last try, for staff
    changed_in         xid8 not null default pg_current_xact_id(),
    version            bigint not null default nextval('row_version')
);
create unique index subscription_open on subscription (customer_id, product_code) where state in ('requested', 'confirmed');
create unique index subscription_contract on subscription (contract_no) where contract_no is not null;
create index subscription_customer on subscription (customer_id, id);
create index subscription_due on subscription (next_try_at) where next_try_at is not null;

-- How far the platform's contracts were read.
create table advisory_position (
    platform    text primary key,
    position    bigint not null default 0,
    read_at     timestamptz,
    problem     text not null default ''
);

-- An adviser's view of a product (投顾观点), for its subscribers alone.
create table product_view (
    id            uuid primary key,
    product_code  text not null references product,
    employee_id   integer not null references employee,
    title         text not null check (length(title) between 1 and 100),
    body          text not null check (length(body) between 1 and 4000),
    published_at  timestamptz not null default now(),
    readers       integer                                 -- to how many it went; null: it is on its way
);
create index product_view_product on product_view (product_code, id);

-- Who was to get a view when it was published, and how.
create table product_view_reader (
    view_id      uuid not null references product_view,
    customer_id  integer not null references customer not enforced,
    channel      text not null check (channel in ('in_app', 'sms', 'email')),
    primary key (view_id, customer_id)
);

alter table contract enable row level security;
alter table contract force row level security;
create policy reach on contract using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = contract.customer_id)
    end);

alter table assessment enable row level security;
alter table assessment force row level security;
create policy reach on assessment using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = assessment.customer_id)
    end);

alter table suitability enable row level security;
alter table suitability force row level security;
create policy reach on suitability using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = suitability.customer_id)
    end);

alter table subscription enable row level security;
alter table subscription force row level security;
create policy reach on subscription using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = subscription.customer_id)
    end);

alter table product_view_reader enable row level security;
alter table product_view_reader force row level security;
create policy reach on product_view_reader using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = product_view_reader.customer_id)
    end);

-- Staff read every view; an investor those of products under a contract that holds today.
alter table product_view enable row level security;
alter table product_view force row level security;
create policy readers on product_view using (
    (select current_setting('hexad.scope', true)) in ('own', 'team', 'branch', 'region', 'company')
    or exists (
        select from contract c
         where c.product_code = product_view.product_code
           and c.customer_id = any ((select reached('hexad.customer', 'self'))::integer[])
           and holds(c.signed_on, c.ended_on)));

-- Whether a letter can be sent to an address (a test holds it equal to `mobile_contracts/address.py`).
create function sendable(address text) returns boolean language sql immutable parallel safe
    return address ~ '^(?=.{6,254}\Z)(?=[^@]{1,64}@)[A-Za-z0-9À-ÖØ-öø-ɏЀ-ҁҊ-ԯぁ-ゖァ-ヺ一-鿿가-힣!#$%&''*+/=?^_`{|}~-]+(\.[A-Za-z0-9À-ÖØ-öø-ɏЀ-ҁҊ-ԯぁ-ゖァ-ヺ一-鿿가-힣!#$%&''*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]\Z';

-- Why a product must not be offered to a customer, `suitable` where it may (适当性匹配); no row where one of them is unknown.
create function suitability_of(of_product text, of_customer integer)
returns table (reason text, product_level smallint, level smallint, assessed_at timestamptz, expires_on date)
language sql stable parallel safe as $$
select case when p.status <> 'on' then 'product_withdrawn'
            when c.status not in ('normal', 'dormant') or not lasts(c.closed_on) then 'customer_not_active'
            when s.risk_level is null or s.expires_on is null then 'no_questionnaire'
            when not lasts(s.expires_on) then 'questionnaire_expired'
            when s.risk_level < p.risk_level then 'risk_too_high'
            else 'suitable' end, p.risk_level, s.risk_level, s.at, s.expires_on
  from product p
 cross join customer c
  left join standing s on s.customer_id = c.id
 where p.product_code = of_product and c.id = of_customer;
$$;

-- Why a message of a broadcast must not go to a person by a channel, null when it may: asked when it is made, without a
-- message, and again by whoever holds it at the last moment, so that both judge alike. `went_to`, the blind index of a number
-- or the hash of an e-mail, is where a message goes that is offered again, whatever address the person has today.
create function hindrance(of_broadcast uuid, of_customer integer, by_channel text, of_message uuid, went_to bytea)
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

create function hindrance(of_broadcast uuid, of_customer integer, by_channel text, of_message uuid)
returns table (reason text, consent_id bigint) language sql stable parallel safe as $$
select reason, consent_id from hindrance(of_broadcast, of_customer, by_channel, of_message, null);
$$;
