-- name: stage_product#
create temp table staged_product (
    fresh         boolean not null,
    product_code  text not null,
    name          text not null,
    category      text not null,
    risk_level    smallint not null,
    price         numeric(12, 4),
    period_days   integer,
    status        text not null,
    source        text not null,
    digest        bytea not null
) on commit drop;

-- name: stage_gone_product#
create temp table staged_gone_product (product_code text not null) on commit drop;

-- name: stage_contract#
create temp table staged_contract (
    fresh         boolean not null,
    customer_id   integer not null,
    contract_no   text not null,
    product_code  text not null,
    kind          text not null,
    signed_on     date not null,
    ended_on      date,
    source        text not null,
    digest        bytea not null
) on commit drop;

-- name: stage_gone_contract#
create temp table staged_gone_contract (contract_no text not null) on commit drop;

-- name: stage_assessment#
create temp table staged_assessment (
    customer_id  integer not null,
    at           timestamptz not null,
    score        smallint not null,
    risk_level   smallint not null,
    expires_on   date not null,
    source       text not null,
    digest       bytea not null
) on commit drop;

-- name: stage_gone_assessment#
create temp table staged_gone_assessment (
    customer_id  integer not null,
    at           timestamptz not null,
    source       text not null
) on commit drop;

-- name: known_products()
-- scope: none, the loader compares what is delivered with what is there
select product_code as key, source, encode(digest, 'hex') as digest from product;

-- name: known_contracts()
-- scope: none, the loader compares what is delivered with what is there
select contract_no as key, source, encode(digest, 'hex') as digest, signed_on, polled from contract;

-- name: known_questionnaires(day)
-- scope: none, the loader compares what is delivered with what is there
select customer_id, to_char(at, 'HH24:MI:SS') as time, source, encode(digest, 'hex') as digest
  from assessment
 where day = :day;

-- name: add_products()!
-- scope: none, products belong to nobody
insert into product (product_code, name, category, risk_level, price, period_days, status, source, digest)
select product_code, name, category, risk_level, price, period_days, status, source, digest
  from staged_product
 where fresh;

-- name: change_products()!
-- scope: none, products belong to nobody
update product p
   set name = d.name, category = d.category, risk_level = d.risk_level, price = d.price, period_days = d.period_days,
       status = d.status, source = d.source, digest = d.digest, changed_in = pg_current_xact_id(),
       version = nextval('row_version')
  from staged_product d
 where not d.fresh and p.product_code = d.product_code;

-- name: withdraw_products()!
-- scope: none, products belong to nobody
update product p
   set status = 'off', digest = '', changed_in = pg_current_xact_id(), version = nextval('row_version')
  from staged_gone_product g
 where p.product_code = g.product_code;

-- name: prove_contracts()$
-- scope: none, counts what refers to nobody
select count(*)
  from staged_contract d
 where not exists (select from customer c where c.id = d.customer_id)
    or not exists (select from product p where p.product_code = d.product_code);

-- name: add_contracts()!
-- scope: none, the loader writes everybody
insert into contract (contract_no, customer_id, product_code, kind, signed_on, ended_on, source, digest)
select contract_no, customer_id, product_code, kind, signed_on, ended_on, source, digest
  from staged_contract
 where fresh
    on conflict (contract_no) do update -- the platform told of it while the day was read
   set customer_id = excluded.customer_id, product_code = excluded.product_code, kind = excluded.kind,
       signed_on = excluded.signed_on, ended_on = excluded.ended_on, polled = false, source = excluded.source,
       digest = excluded.digest, changed_in = pg_current_xact_id();

-- name: change_contracts()!
-- scope: none, the loader writes everybody
update contract c
   set customer_id = d.customer_id, product_code = d.product_code, kind = d.kind, signed_on = d.signed_on,
       ended_on = d.ended_on, polled = false, source = d.source, digest = d.digest, changed_in = pg_current_xact_id()
  from staged_contract d
 where not d.fresh and c.contract_no = d.contract_no;

-- name: end_contracts(day)!
-- scope: none, the loader writes everybody
update contract c
   set ended_on = greatest(least(c.ended_on, :day::date), c.signed_on), digest = '', changed_in = pg_current_xact_id()
  from staged_gone_contract g
 where c.contract_no = g.contract_no;

-- name: empty_contracts#
-- scope: none, the part is merged
truncate staged_contract;

-- name: analyze_contract#
-- scope: none, PostgreSQL counts, no row is read
analyze contract;

-- name: prove_assessments()$
-- scope: none, counts what refers to nobody
select count(*)
  from staged_assessment d
 where not exists (select from customer c where c.id = d.customer_id);

-- name: forget_assessments()!
-- scope: none, the loader writes everybody
delete from assessment a
 using staged_gone_assessment g
 where a.customer_id = g.customer_id and a.at = g.at and a.source = g.source and a.day is not null;

-- name: put_assessments(day)!
-- scope: none, the loader writes everybody
insert into assessment (customer_id, at, source, day, score, risk_level, expires_on, digest)
select customer_id, at, source, :day, score, risk_level, expires_on, digest from staged_assessment
    on conflict (customer_id, at, source) do update
   set day = excluded.day, score = excluded.score, risk_level = excluded.risk_level,
       expires_on = excluded.expires_on, digest = excluded.digest, changed_in = pg_current_xact_id();

-- name: empty_assessments#
-- scope: none, the part is merged
truncate staged_assessment;

-- name: analyze_assessment#
-- scope: none, PostgreSQL counts, no row is read
analyze assessment;
