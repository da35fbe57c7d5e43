-- A brokerage of any size, made where it stands: everything follows from the number of a row by hashing it.
-- Its ids are set here: brokers are 1 to `brokers`, customers 1 to `customers`.

-- name: made_from(database)$
select shobj_description(oid, 'pg_database')
  from pg_database
 where datname = :database;

-- name: add_regions(regions)!
-- scope: none, made by the owner of the database before anybody asks it
insert into unit (kind, code, name, parent_id)
select 'region', 'R' || i, '第' || i || '区域', company.id
  from generate_series(1, :regions::integer) as i, unit as company
 where company.kind = 'company';

-- name: add_branches(branches, regions)!
-- scope: none, made by the owner of the database before anybody asks it
insert into unit (kind, code, name, parent_id)
select 'branch', 'B' || i, '人民路' || i || '号证券营业部', region.id
  from generate_series(1, :branches::integer) as i
  join unit as region on region.kind = 'region' and region.code = 'R' || 1 + i % :regions::integer;

-- name: add_teams(teams, branches)!
-- scope: none, made by the owner of the database before anybody asks it
insert into unit (kind, code, name, parent_id)
select 'team', 'T' || i, '第' || i || '团队', branch.id
  from generate_series(1, :teams::integer) as i
  join unit as branch on branch.kind = 'branch' and branch.code = 'B' || 1 + i % :branches::integer;

-- name: add_brokers(brokers, family, given)!
-- scope: none, made by the owner of the database before anybody asks it
insert into employee (id, employee_no, name, unit_id, position, hired_on, source, digest)
overriding system value
select i, 'E' || lpad(i::text, 6, '0'),
       substr(:family::text, 1 + (i % length(:family))::integer, 1) || substr(:given::text, 1 + (i * 7 % length(:given))::integer, 2),
       team.id, '经纪人', '2020-01-01', 'bench', sha256(i::text::bytea)
  from generate_series(1, :brokers::integer) as i
  join unit as team on team.kind = 'team' and team.code = 'T' || 1 + (i - 1) / 10;

-- name: add_leaders(brokers)!
-- scope: none, made by the owner of the database before anybody asks it
insert into employee (id, employee_no, name, unit_id, position, hired_on, source, digest)
overriding system value
select :brokers::integer + row_number() over (order by unit.id), 'L' || unit.code, '主管' || unit.code, unit.id,
       case unit.kind when 'team' then '团队长' when 'branch' then '营业部经理' else '总部营销管理岗' end,
       '2015-01-01', 'bench', sha256(unit.code::bytea)
  from unit
 where unit.kind in ('team', 'branch', 'company');

-- name: assign()!
-- scope: none, made by the owner of the database before anybody asks it
insert into assignment (employee_id, role)
select e.id, case e.position when '经纪人' then 'broker' when '团队长' then 'team_leader'
                             when '营业部经理' then 'branch_manager' else 'head_office_marketing' end
  from employee e;

-- name: add_customers(first, last, brokers, family, given, inner_key, outer_key)!
-- scope: none, made by the owner of the database before anybody asks it
insert into customer (id, customer_no, name, kind, id_kind, id_no, id_no_mask, id_no_index, mobile, mobile_mask,
                      mobile_index, email, gender, birthday, branch_id, opened_on, closed_on, status, risk_level,
                      risk_assessed_on, investor_kind, assets, source, digest)
overriding system value
select i, '88' || lpad(i::text, 8, '0'),
       substr(:family::text, 1 + (a % length(:family))::integer, 1)
           || substr(:given::text, 1 + (b % length(:given))::integer, 1 + (c % 2)::integer),
       case when d % 50 = 0 then 'institution' else 'individual' end,
       case when d % 50 = 0 then 'uscc' else 'id_card' end,
       sha256(i::text::bytea) || substr(sha256(i::text::bytea), 1, 18), '1****************' || a % 10,
       sha256(('id' || i)::bytea),
       sha256(('mobile' || i)::bytea) || substr(sha256(i::text::bytea), 1, 14),
       substr(number, 4, 3) || '****' || substr(number, 11),
       sha256(:outer_key::bytea || sha256(:inner_key::bytea || 'mobile'::bytea || '\x00'::bytea || number::bytea)),
       'k' || i || '@example.com', case when b % 2 = 0 then 'F' else 'M' end,
       date '1950-01-01' + (b % 20000)::integer, team.parent_id, date '2000-01-01' + (c % 9000)::integer,
       case when d % 25 = 1 then date '2025-01-01' + (a % 300)::integer end,
       case when d % 25 = 1 then 'closed' when d % 10 = 2 then 'dormant' when d % 100 = 3 then 'frozen' else 'normal' end,
       1 + (a % 5)::integer, date '2023-01-01' + (b % 1000)::integer,
       case when c % 40 = 0 then 'professional' else 'ordinary' end,
       (100 * exp(10.8 + 1.9 * sqrt(-2 * ln((1 + e % 1000000) / 1000001.0::float8)) * cos(2 * pi() * (d % 1000003) / 1000003)))::bigint,
       'bench', substr(sha256(('row' || i)::bytea), 1, 16)
  from generate_series(:first::bigint, :last::bigint) as i
 cross join lateral (
       select hashint8extended(i, 1) & 9223372036854775807 as a, hashint8extended(i, 2) & 9223372036854775807 as b,
              hashint8extended(i, 3) & 9223372036854775807 as c, hashint8extended(i, 4) & 9223372036854775807 as d,
              hashint8extended(i, 5) & 9223372036854775807 as e,
              '+86' || 13000000000 + i * 387420489 % 1000000000 as number
 ) as made
  join employee broker on broker.id = 1 + a % :brokers::integer
  join unit team on team.id = broker.unit_id;

-- name: add_relations(first, last, brokers)!
-- scope: none, made by the owner of the database before anybody asks it
insert into relation (customer_id, employee_id, kind, share, valid_from, valid_to, branch_id, assets, source, digest)
select c.id, made.employee_id, made.kind, 1, c.opened_on, made.valid_to, c.branch_id, c.assets, 'bench',
       substr(sha256((made.kind || c.id)::bytea), 1, 16)
  from customer c
 cross join lateral (
       select hashint8extended(c.id, 1) & 9223372036854775807 as a, hashint8extended(c.id, 6) & 9223372036854775807 as f
 ) as hashed
 cross join lateral (
       values ('service', 1 + a % :brokers::integer, null::date, true),
              ('develop', case when f % 2 = 0 then 1 + a % :brokers::integer
                               else 1 + (a % :brokers::integer / 10 * 10 + (a % :brokers::integer + 1) % 10) % :brokers::integer end,
               null, f % 10 < 4),
              ('advise', 1 + f % :brokers::integer, null, f % 20 = 5),
              ('service', 1 + (f + 1) % :brokers::integer, date '2024-06-30', f % 10 = 6 and c.opened_on < '2024-01-01')
 ) as made (kind, employee_id, valid_to, there)
 where c.id between :first and :last and made.there
    on conflict do nothing;

-- name: add_accounts(first, last)!
-- scope: none, made by the owner of the database before anybody asks it
insert into account (account_no, customer_id, kind, custodian_bank, opened_on, status, source, digest)
select 'A' || c.id || n, c.id, case n when 1 then 'cash' when 2 then 'sh_a' else 'sz_a' end,
       case n when 1 then '招商银行' end, c.opened_on, 'normal', 'bench', substr(sha256(('account' || c.id || n)::bytea), 1, 16)
  from customer c
 cross join lateral generate_series(1, 1 + (hashint8extended(c.id, 7) & 9223372036854775807) % 3) as n
 where c.id between :first and :last;

-- name: indexes()
-- scope: none, only the catalogue is read
select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition
  from pg_index i
 where i.indrelid in ('customer'::regclass, 'relation'::regclass, 'account'::regclass)
   and not exists (select from pg_constraint k where k.conindid = i.indexrelid);

-- name: sequences()
-- scope: none, ids alone, which were given here and not by their sequences
select setval(pg_get_serial_sequence('employee', 'id'), (select max(id) from employee)) as employee,
       setval(pg_get_serial_sequence('customer', 'id'), (select max(id) from customer)) as customer;

-- name: staff(size)
-- scope: none, made by the owner of the database before anybody asks it
select e.id, e.employee_no
  from employee e
 where e.position = '经纪人'
 order by hashint8extended(e.id, 11)
 limit :size;

-- name: looked_after(employees, each)
-- scope: none, made by the owner of the database before anybody asks it
select e.id as employee, c.customer_no, c.name, 13000000000 + c.id * 387420489::bigint % 1000000000 as mobile
  from unnest(:employees::integer[]) as e (id)
 cross join lateral (
       select r.customer_id
         from relation r
        where r.employee_id = e.id and r.valid_from <= current_date and r.valid_to is null
        order by hashint8extended(r.customer_id, 12)
        limit :each
 ) as own
  join customer c on c.id = own.customer_id;
