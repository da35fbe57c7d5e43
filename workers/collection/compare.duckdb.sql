-- DuckDB: what a day changes, found by comparing its rows (live_…) with what the database has (known_…); news_… are the rows
-- that are not there just so.

-- step: begin
create or replace table part (delivery integer, feed varchar, source varchar, file varchar, demo boolean, latest boolean);
create or replace table known_branch (key varchar, source varchar, name varchar, region_code varchar, open boolean);
create or replace table known_branch_id (key varchar, id integer);
create or replace table known_employee (id integer, key varchar, source varchar, digest varchar);
create or replace table known_customer (
    id integer, key varchar, source varchar, digest varchar, branch_id integer, assets bigint);
create or replace table known_account (key varchar, source varchar, digest varchar);
create or replace table known_relation (
    customer_id integer, employee_id integer, kind varchar, valid_from varchar, source varchar, digest varchar);
create or replace table known_product (key varchar, source varchar, digest varchar);
create or replace table known_contract (
    key varchar, source varchar, digest varchar, signed_on varchar, polled boolean);
create or replace table known_questionnaire (customer_id integer, time varchar, source varchar, digest varchar);

-- step: day
create or replace table loaded_day as select $day::varchar as day;

-- step: macros
create macro fraction(n) as ((n >> 11) + 1) / 9007199254740993.0;
-- Stands in until the feed `asset` is loaded: log-normal, in hundredths of a yuan, always the same for a customer_no.
create macro made_up_assets(no) as least(100000000000000, round(100 * exp(10.6 + 1.9
    * sqrt(-2 * ln(fraction(md5_number_lower(no)))) * cos(2 * pi() * fraction(md5_number_upper(no)))))::bigint);

-- step: branch
create or replace table changed_branch as
select l.delivery, k.key is null as fresh
  from live_branch l
  left join known_branch k on k.key = l.branch_code
 where l.latest and (k.key is null or not k.open or k.name <> l.name or k.region_code <> l.region_code);
create or replace table gone_branch as
select p.delivery
  from known_branch k
  join part p on p.feed = 'branch' and p.latest and p.source = k.source
  anti join live_branch l on l.branch_code = k.key
 where k.open;

-- step: employee
create or replace table changed_employee as
select l.delivery, l.row_no, k.id is null as fresh
  from news_employee l
  left join known_employee k on k.key = l.employee_no
 where l.latest and (k.id is null or k.digest is distinct from l.digest);
create or replace table gone_employee as
select p.delivery, k.key as employee_no
  from known_employee k
  join part p on p.feed = 'employee' and p.latest and p.source = k.source
  anti join live_employee l on l.employee_no = k.key
 where k.digest is not null;

-- step: customer
create or replace table changed_customer as
select l.delivery, l.row_no, l.customer_no, k.id is null as fresh, k.id as known_id, b.id as branch_id,
       coalesce(k.assets, case when l.demo and l.closed_on is null then made_up_assets(l.customer_no) else 0 end) as assets
  from news_customer l
  join known_branch_id b on b.key = l.branch_code
  left join known_customer k on k.key = l.customer_no
 where l.latest and (k.id is null or k.digest is distinct from l.digest);
create or replace table fresh_customer as
select customer_no, row_number() over (order by branch_id, customer_no) - 1 as number
  from changed_customer
 where fresh;

-- step: place
create or replace table place as
select c.customer_no as key, coalesce(c.known_id, f.number + $first)::integer as id, c.branch_id, c.assets
  from changed_customer c
  left join fresh_customer f on f.customer_no = c.customer_no
union all
select k.key, k.id, k.branch_id, k.assets
  from known_customer k
  anti join changed_customer c on c.customer_no = k.key;

-- step: account
create or replace table changed_account as
select l.delivery, l.row_no, k.key is null as fresh, c.id as customer_id
  from news_account l
  join place c on c.key = l.customer_no
  left join known_account k on k.key = l.account_no
 where l.latest and (k.key is null or k.digest is distinct from l.digest);

-- step: relation
create or replace table resolved_relation as
select l.delivery, l.row_no, l.kind, l.valid_from, k.kind is null as fresh,
       coalesce(k.digest <> l.digest, true) as changed, c.id as customer_id, e.id as employee_id, c.branch_id, c.assets
  from news_relation l
  join place c on c.key = l.customer_no
  join known_employee e on e.key = l.employee_no
  left join known_relation k
    on k.customer_id = c.id and k.employee_id = e.id and k.kind = l.kind and k.valid_from = l.valid_from
 where l.latest;
create or replace table gone_relation as
select p.delivery, k.customer_id, k.employee_id, k.kind, k.valid_from
  from known_relation k
  join part p on p.feed = 'relation' and p.latest and p.source = k.source
  anti join live_relation l on l.digest = k.digest and l.source = k.source
  anti join resolved_relation r
    on r.customer_id = k.customer_id and r.employee_id = k.employee_id and r.kind = k.kind
   and r.valid_from = k.valid_from
 where k.digest is not null;
create or replace view changed_relation as select * from resolved_relation where changed;

-- step: product
create or replace table changed_product as
select l.delivery, l.row_no, k.key is null as fresh
  from news_product l
  left join known_product k on k.key = l.product_code
 where l.latest and (k.key is null or k.digest is distinct from l.digest);
create or replace table gone_product as
select p.delivery, k.key as product_code
  from known_product k
  join part p on p.feed = 'product' and p.latest and p.source = k.source
  anti join live_product l on l.product_code = k.key
 where k.digest is not null;

-- step: contract
create or replace table changed_contract as
select l.delivery, l.row_no, k.key is null as fresh, c.id as customer_id
  from news_contract l
  join place c on c.key = l.customer_no
  left join known_contract k on k.key = l.contract_no
 where l.latest and (k.key is null or k.digest is distinct from l.digest);
-- One that the platform told of during the day cannot stand in what was written before it was signed.
create or replace table gone_contract as
select p.delivery, k.key as contract_no
  from known_contract k
  join part p on p.feed = 'contract' and p.latest and p.source = k.source
  anti join live_contract l on l.contract_no = k.key
 where k.digest is not null and (not k.polled or k.signed_on < (select day from loaded_day));

-- step: questionnaire
create or replace table resolved_questionnaire as
select l.delivery, l.row_no, c.id as customer_id, l.time, l.source, k.time is null as fresh,
       d.day || ' ' || l.time || '+08' as "at", coalesce(k.digest <> l.digest, true) as changed
  from live_questionnaire l
 cross join loaded_day d
  join place c on c.key = l.customer_no
  left join known_questionnaire k on k.customer_id = c.id and k.time = l.time and k.source = l.source;
create or replace table gone_questionnaire as
select p.delivery, k.customer_id, d.day || ' ' || k.time || '+08' as "at", k.source
  from known_questionnaire k
 cross join loaded_day d
  join part p on p.feed = 'questionnaire' and p.source = k.source
  anti join resolved_questionnaire r on r.customer_id = k.customer_id and r.time = k.time and r.source = k.source;
create or replace view changed_questionnaire as select * from resolved_questionnaire where changed;

-- step: forget_known_branch_id
truncate known_branch_id;

-- step: forget_known_employee
truncate known_employee;

-- step: written_employee
create or replace view written_employee as
select l.* exclude (delivery, row_no, digest, source, file, demo, latest, key), l.source, '\x' || l.digest as digest
  from changed_employee c
  join news_employee l on l.delivery = c.delivery and l.row_no = c.row_no;
-- step: written_customer
create or replace view written_customer as
select p.id, c.fresh, l.* exclude (digest, delivery, row_no, source, file, demo, latest, key, branch_code),
       c.branch_id, c.assets, l.source, '\x' || l.digest as digest
  from changed_customer c
  join news_customer l on l.delivery = c.delivery and l.row_no = c.row_no
  join place p on p.key = c.customer_no
 order by p.id;

-- step: written_account
create or replace view written_account as
select c.fresh, c.customer_id, l.* exclude (digest, delivery, row_no, source, file, demo, latest, key, customer_no),
       l.source, '\x' || l.digest as digest
  from changed_account c
  join news_account l on l.delivery = c.delivery and l.row_no = c.row_no
 order by c.customer_id;

-- step: written_relation
create or replace view written_relation as
select r.fresh, r.customer_id, r.employee_id, l.kind, l.share, l.valid_from, l.valid_to, r.branch_id, r.assets,
       l.source, '\x' || l.digest as digest
  from changed_relation r
  join news_relation l on l.delivery = r.delivery and l.row_no = r.row_no
 order by r.customer_id;

-- step: written_product
create or replace view written_product as
select c.fresh, l.* exclude (digest, delivery, row_no, source, file, demo, latest, key),
       l.source, '\x' || l.digest as digest
  from changed_product c
  join news_product l on l.delivery = c.delivery and l.row_no = c.row_no;

-- step: written_contract
create or replace view written_contract as
select c.fresh, c.customer_id, l.* exclude (digest, delivery, row_no, source, file, demo, latest, key, customer_no),
       l.source, '\x' || l.digest as digest
  from changed_contract c
  join news_contract l on l.delivery = c.delivery and l.row_no = c.row_no
 order by c.customer_id;

-- step: written_questionnaire
create or replace view written_questionnaire as
select c.customer_id, c."at", l.score, l.risk_level, l.expires_on,
       l.source, '\x' || l.digest as digest
  from changed_questionnaire c
  join live_questionnaire l on l.delivery = c.delivery and l.row_no = c.row_no
 order by c.customer_id;
