create table customer (
    id                integer generated always as identity primary key,
    customer_no       text not null unique,
    name              text not null,
    kind              text not null check (kind in ('individual', 'institution')),
    id_kind           text not null,
    id_no             bytea not null,
    id_no_mask        text not null,
    id_no_index       bytea not null,
    mobile            bytea,
    mobile_mask       text,
    mobile_index      bytea,
    email             text,
    gender            text,
    birthday          date,
    branch_id         integer not null references unit not enforced,
    opened_on         date not null,
    closed_on         date,
    status            text not null check (status in ('normal', 'dormant', 'frozen', 'closed')),
    risk_level        smallint check (risk_level between 1 and 5),
    risk_assessed_on  date,
    investor_kind     text not null check (investor_kind in ('ordinary', 'professional')),
    assets            bigint not null default 0,  -- hundredths of a yuan: integers compare leakproof, numeric does not
    source            text not null,
    digest            bytea not null,
    changed_in        xid8 not null default pg_current_xact_id(),
    version           bigint not null default nextval('row_version'),
    assessed_at       timestamptz,  -- the newest assessment, whoever told it: `standing_…` is that, or what the source
    assessed_level    smallint check (assessed_level between 1 and 5),  -- system of the customer says, whichever is newer
    assessed_until    date,
    standing_at     timestamptz generated always as (
        case when risk_level is null or risk_assessed_on is null
                  or assessed_at >= risk_assessed_on::timestamp at time zone 'Asia/Shanghai' then assessed_at
             else risk_assessed_on::timestamp at time zone 'Asia/Shanghai' end) stored,
    standing_level  smallint generated always as (
        case when risk_level is null or risk_assessed_on is null
                  or assessed_at >= risk_assessed_on::timestamp at time zone 'Asia/Shanghai' then assessed_level
             else risk_level end) stored,
    standing_until  date generated always as (
        case when risk_level is null or risk_assessed_on is null
                  or assessed_at >= risk_assessed_on::timestamp at time zone 'Asia/Shanghai' then assessed_until
             else (risk_assessed_on + interval '2 years')::date end) stored,
    name_key        text not null generated always as (folded(name)) stored
);
create index customer_assets on customer (branch_id, assets desc, id desc);
create index customer_opened on customer (branch_id, opened_on desc, id desc);
create index customer_name on customer (branch_id, name_key, id);
create index customer_mobile on customer using hash (mobile_index);
create index customer_changed on customer (branch_id, changed_in);

-- Who looks after a customer, from when, until when (exclusive), with which share.
-- References of the tables with millions of rows are proven by the loader, over whole sets, before it commits
-- (`prove_accounts`, `prove_relations`): a look-up per row took half of a load. Nobody may delete what is referred to.
create table relation (
    customer_id  integer not null references customer not enforced,
    employee_id  integer not null references employee not enforced,
    kind         text not null check (kind in ('develop', 'service', 'advise')),
    share        numeric(5, 4) not null check (share > 0 and share <= 1),
    valid_from   date not null,
    valid_to     date,
    branch_id    integer not null,                -- of the customer, for row-level security
    assets       bigint not null default 0,       -- of the customer, so that one's own customers come sorted from an index
    source       text not null,
    digest       bytea not null,
    changed_in   xid8 not null default pg_current_xact_id(),
    primary key (customer_id, employee_id, kind, valid_from) include (valid_to, branch_id)
);
create index relation_assets on relation (employee_id, assets desc, customer_id desc) include (valid_from, valid_to, branch_id);

-- Customers that left a branch: what a phone that looks at that branch must forget.
create table customer_left (
    branch_id    integer not null,
    customer_id  integer not null,
    changed_in   xid8 not null default pg_current_xact_id(),
    left_at      timestamptz not null default now(),
    primary key (branch_id, customer_id)
);
create index customer_left_changed on customer_left (branch_id, changed_in);
create index customer_left_at on customer_left (left_at);

create table account (
    account_no      text primary key,
    customer_id     integer not null references customer not enforced,
    kind            text not null check (kind in ('cash', 'sh_a', 'sz_a', 'margin', 'futures', 'option', 'fund_ta')),
    custodian_bank  text,
    opened_on       date not null,
    closed_on       date,
    status          text not null,
    source          text not null,
    digest          bytea not null,
    changed_in      xid8 not null default pg_current_xact_id()
);
create index account_customer on account (customer_id);

-- What our own people, or the customer, know beyond the source systems; no feed overwrites it.
create table contact (
    customer_id   integer primary key references customer,
    mobile        bytea,
    mobile_mask   text,
    mobile_index  bytea,
    email         text,
    address       text not null default '',
    wechat        text not null default '',
    version       bigint not null default nextval('row_version'),
    changed_in    xid8 not null default pg_current_xact_id()
);
create index contact_mobile on contact (mobile_index) where mobile_index is not null;

create table preference (
    customer_id   integer primary key references customer,
    language      text not null default 'zh' check (language in ('zh', 'en')),
    channel       text not null default 'sms' check (channel in ('sms', 'email', 'phone', 'in_app')),
    contact_from  time not null default '09:00',
    contact_to    time not null default '21:00' check (contact_to > contact_from),
    version       bigint not null default nextval('row_version'),
    changed_in    xid8 not null default pg_current_xact_id()
);

-- Every reveal of a masked field, counted against the quota of who asked.
create table reveal (
    id           uuid primary key,
    employee_no  text not null,
    customer_id  integer not null references customer,
    field        text not null check (field in ('mobile', 'id_no', 'email', 'contact_mobile', 'contact_email')),
    at           timestamptz not null default now()
);
create index reveal_quota on reveal (employee_no, at);

-- Deliveries of source systems that were loaded, per day, source and feed.
create table delivery (
    day        date not null,
    source     text not null,
    feed       text not null,
    sha256     bytea not null,
    rows       bigint not null,
    changed    bigint not null,
    loaded_at  timestamptz not null default now(),
    primary key (source, feed, day)
);
