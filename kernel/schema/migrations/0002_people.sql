-- The organisation: company, regions, branches (营业部), teams; one tree, changed while people work.
create table unit (
    id         integer generated always as identity primary key,
    kind       text not null check (kind in ('company', 'region', 'branch', 'team')),
    code       text not null check (code ~ '^[A-Za-z0-9_.-]{1,20}$'),
    name       text not null check (length(name) between 1 and 100),
    parent_id  integer references unit check ((parent_id is null) = (kind = 'company')),
    placed_by  text not null default 'feed' check (placed_by in ('feed', 'staff')), -- a feed leaves alone what staff placed
    ended_on   date,                                                                -- the first day on which it is gone
    source     text,                                                                -- who delivers it; null: staff made it, or a team
    version    bigint not null default nextval('row_version'),
    unique (kind, code)
);
create unique index unit_company on unit (kind) where kind = 'company';
create index unit_parent on unit (parent_id);

-- Every unit with every unit above it, itself included: kept by the trigger, so that a reach is one index scan.
create table unit_under (
    ancestor_id  integer not null references unit on delete cascade,
    unit_id      integer not null references unit on delete cascade,
    depth        integer not null,               -- 0: the unit itself
    primary key (ancestor_id, unit_id)
);
create index unit_under_unit on unit_under (unit_id);

create function unit_place() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(1431193940); -- "UNIT": two changes of the tree wait for one another
    if exists (
        with recursive above (id, parent_id) as (
            select id, parent_id from unit
            union
            select above.id, unit.parent_id from above join unit on unit.id = above.parent_id
        )
        select from above where id = parent_id
    ) then
        raise exception 'a unit cannot stand below itself' using errcode = 'check_violation', constraint = 'unit_tree';
    end if;
    delete from unit_under;
    insert into unit_under (ancestor_id, unit_id, depth)
    with recursive below (ancestor_id, unit_id, depth) as (
        select id, id, 0 from unit
        union all
        select below.ancestor_id, unit.id, below.depth + 1 from below join unit on unit.parent_id = below.unit_id
    )
    select ancestor_id, unit_id, depth from below;
    return null;
end $$;
create trigger unit_place after insert or update of parent_id or delete on unit
    for each statement execute function unit_place();

insert into unit (kind, code, name, placed_by) values ('company', 'company', '总公司', 'staff');

create table employee (
    id                integer generated always as identity primary key,
    employee_no       text not null unique,
    name              text not null,
    unit_id           integer not null references unit,
    placed_by         text not null default 'feed' check (placed_by in ('feed', 'staff')),
    position          text not null,
    licence_kind      text,
    licence_no        text,
    licence_valid_to  date,
    mobile            bytea,
    mobile_mask       text,
    mobile_index      bytea,
    email             text,
    hired_on          date not null,
    left_on           date,
    source            text not null,
    digest            bytea not null,        -- of the delivered row: what is unchanged is not rewritten
    changed_in        xid8 not null default pg_current_xact_id(),
    version           bigint not null default nextval('row_version')
);
create index employee_unit on employee (unit_id);
create index employee_mobile on employee (mobile_index);

-- Roles of people; over which unit: null is the unit of the role's scope that the employee stands in.
create table assignment (
    employee_id  integer not null references employee,
    role         text not null references role,
    unit_id      integer references unit,
    version      bigint not null default nextval('row_version'),
    primary key (employee_id, role)
);

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
    branch_id         integer not null references unit,
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
    version           bigint not null default nextval('row_version')
);
create index customer_assets on customer (branch_id, assets desc, id desc);
create index customer_opened on customer (branch_id, opened_on desc, id desc);
create index customer_name on customer (branch_id, name, id);
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
    primary key (branch_id, customer_id)
);
create index customer_left_changed on customer_left (branch_id, changed_in);

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

create table device (
    audience      text not null check (audience in ('staff', 'investor')),
    subject       text not null,
    device_id     text not null,
    name          text not null default '',
    vendor        text check (vendor in ('apns', 'fcm', 'huawei', 'xiaomi', 'oppo', 'vivo', 'honor')),
    push_token    bytea,
    app_version   text not null default '',
    seen_at       timestamptz not null default now(),
    revoked_at    timestamptz,
    version       bigint not null default nextval('row_version'),
    changed_in    xid8 not null default pg_current_xact_id(),
    primary key (audience, subject, device_id)
);

-- How people sign in. A row without a password waits for its activation.
create table credential (
    audience      text not null check (audience in ('staff', 'investor')),
    subject       text not null,
    password      text,                            -- Argon2id, in its own encoded form
    totp          bytea,
    totp_used     bigint not null default 0,       -- the last time step that was used: each is good once
    totp_proven   boolean not null default false,  -- a code from the authenticator was seen
    failures      integer not null default 0,
    locked_until  timestamptz,
    changed_at    timestamptz not null default now(),
    version       bigint not null default nextval('row_version'),
    primary key (audience, subject)
);

-- Codes for one use: sent by SMS, or handed over by an administrator. `sealed` is forgotten once it was sent.
create table one_time_code (
    id            uuid primary key,
    purpose       text not null check (purpose in ('sign_in', 'password', 'activate')),
    audience      text not null check (audience in ('staff', 'investor')),
    subject       text not null,
    device_id     text not null,
    hash          bytea not null,
    sealed        bytea,
    mobile        bytea,
    mobile_index  bytea,
    address       text not null,
    tries         integer not null default 0,
    created_at    timestamptz not null default now(),
    expires_at    timestamptz not null,
    used_at       timestamptz
);
create index one_time_code_subject on one_time_code (audience, subject, purpose, created_at);
create index one_time_code_mobile on one_time_code (mobile_index, created_at) where mobile_index is not null;
create index one_time_code_address on one_time_code (address, created_at);
create index one_time_code_device on one_time_code (device_id, created_at);
create index one_time_code_created on one_time_code (created_at);

-- Attempts to sign in that have not succeeded, by address: counted before they are looked at, success takes them back.
create table sign_in_attempt (
    address  text not null,
    at       timestamptz not null default now()
);
create index sign_in_attempt_address on sign_in_attempt (address, at);
create index sign_in_attempt_at on sign_in_attempt (at);

-- Refresh tokens of a session, by their hash; one that is used twice ends the session.
create table refresh_token (
    hash        bytea primary key,
    session_id  uuid not null references session on delete cascade,
    issued_at   timestamptz not null default now(),
    expires_at  timestamptz not null,
    used_at     timestamptz
);
create index refresh_token_session on refresh_token (session_id);
create index refresh_token_expires on refresh_token (expires_at);

-- Single sign-on under way, from our redirect to the provider's answer.
create table oidc_request (
    state       bytea primary key,
    nonce       text not null,
    verifier    bytea not null,
    device_id   text not null,
    expires_at  timestamptz not null
);

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

-- Who sees which customer: the second lock. The first are the predicates of the queries themselves.
-- 'own' and 'team' reach by relation to employees, 'branch' and 'region' by branch, 'company' all, 'self' one.
-- One subquery per setting, each evaluated once per query: what a policy names, every query on the table sets up.
create function reached(setting text, variadic kinds text[]) returns integer[] language sql stable parallel safe
    return case when current_setting('hexad.scope', true) = any (kinds)
                then nullif(current_setting(setting, true), '')::integer[] end;

alter table relation enable row level security;
alter table relation force row level security;
create policy reach on relation using (
    (select current_setting('hexad.scope', true) = 'company')
    or employee_id = any ((select reached('hexad.employees', 'own', 'team'))::integer[])
    or branch_id = any ((select reached('hexad.branches', 'branch', 'region'))::integer[])
    or customer_id = any ((select reached('hexad.customer', 'self'))::integer[]));

alter table customer enable row level security;
alter table customer force row level security;
create policy reach on customer using (
    (select current_setting('hexad.scope', true) = 'company')
    or branch_id = any ((select reached('hexad.branches', 'branch', 'region'))::integer[])
    or id = any ((select reached('hexad.customer', 'self'))::integer[])
    or exists ( -- whose relation one sees: the policy above says which that are
        select from relation r
         where r.customer_id = customer.id
           and r.valid_from <= current_date and (r.valid_to is null or r.valid_to > current_date)));

alter table account enable row level security;
alter table account force row level security;
create policy reach on account using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = account.customer_id)
    end);

alter table contact enable row level security;
alter table contact force row level security;
create policy reach on contact using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = contact.customer_id)
    end);

alter table preference enable row level security;
alter table preference force row level security;
create policy reach on preference using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = preference.customer_id)
    end);

alter table customer_left enable row level security;
alter table customer_left force row level security;
create policy reach on customer_left using (
    (select current_setting('hexad.scope', true) = 'company')
    or branch_id = any ((select reached('hexad.branches', 'branch', 'region'))::integer[]));

alter table device enable row level security;
alter table device force row level security;
create policy own on device using (audience || ':' || subject = (select current_setting('hexad.principal', true)));
create policy system on device using ((select current_setting('hexad.scope', true)) = 'company');

-- Searches of the audit log, newest first, each by an index of its own.
drop index audit_principal;
create index audit_principal on audit (principal, at, id);
create index audit_action on audit (action, at, id);
create index audit_at on audit (at, id);

-- How far the permissions of a role reach.
alter table role add column scope text not null default 'none'
    check (scope in ('none', 'self', 'own', 'team', 'branch', 'region', 'company'));
alter table role add column version bigint not null default nextval('row_version');
insert into role (code, name_zh, name_en) values ('region_manager', '区域经理', 'Region manager');
update role set scope = case
    when code in ('broker', 'account_manager', 'adviser') then 'own'
    when code = 'team_leader' then 'team'
    when code in ('broker_supervisor', 'marketing_manager', 'branch_manager') then 'branch'
    when code = 'region_manager' then 'region'
    when code = 'investor' then 'self'
    else 'company' end;

insert into role_permission (role, permission)
select code, permission
  from role, unnest(array['self.read', 'self.change']) as permission
union all
select code, permission
  from role, unnest(array['customer.read', 'customer.change', 'customer.reveal']) as permission
 where code in ('broker', 'account_manager', 'adviser', 'team_leader', 'broker_supervisor', 'branch_manager')
union all
select code, 'customer.read' from role
 where code in ('marketing_manager', 'region_manager', 'head_office_marketing', 'compliance', 'service_agent')
union all
select 'service_agent', 'customer.reveal'
union all
select 'compliance', 'audit.read'
union all
select 'region_manager', 'calendar.read'
union all
select 'administrator', permission
  from unnest(array['person.read', 'person.change', 'role.read', 'role.change', 'organisation.read',
                    'organisation.change', 'session.read', 'session.end', 'audit.read']) as permission;
