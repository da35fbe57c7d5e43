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
