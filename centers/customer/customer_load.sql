-- name: stage_customer#
create temp table staged_customer (
    id                integer not null,
    fresh             boolean not null,
    customer_no       text not null,
    name              text not null,
    kind              text not null,
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
    branch_id         integer not null,
    opened_on         date not null,
    closed_on         date,
    status            text not null,
    risk_level        smallint,
    risk_assessed_on  date,
    investor_kind     text not null,
    assets            bigint not null,
    source            text not null,
    digest            bytea not null
) on commit drop;

-- name: stage_account#
create temp table staged_account (
    fresh           boolean not null,
    account_no      text not null,
    customer_id     integer not null,
    kind            text not null,
    custodian_bank  text,
    opened_on       date not null,
    closed_on       date,
    status          text not null,
    source          text not null,
    digest          bytea not null
) on commit drop;

-- name: stage_relation#
create temp table staged_relation (
    fresh        boolean not null,
    customer_id  integer not null,
    employee_id  integer not null,
    kind         text not null,
    share        numeric(5, 4) not null,
    valid_from   date not null,
    valid_to     date,
    branch_id    integer not null,
    assets       bigint not null,
    source       text not null,
    digest       bytea not null
) on commit drop;

-- name: stage_gone_relation#
create temp table staged_gone_relation (
    customer_id  integer not null,
    employee_id  integer not null,
    kind         text not null,
    valid_from   date not null
) on commit drop;

-- name: known_customers()
-- scope: none, the loader compares what is delivered with what is there
select id, customer_no as key, source, encode(digest, 'hex') as digest, branch_id, assets from customer;

-- name: known_accounts()
-- scope: none, the loader compares what is delivered with what is there
select account_no as key, source, encode(digest, 'hex') as digest from account;

-- name: known_relations()
-- scope: none, the loader compares what is delivered with what is there
select customer_id, employee_id, kind, valid_from, source, encode(digest, 'hex') as digest from relation;

-- name: draw_ids(count)^
-- scope: none, numbers only
select min(id) as first, max(id) as last
  from (select nextval('customer_id_seq') as id from generate_series(1, :count::bigint)) as drawn;

-- name: leave_branches()!
-- scope: none, the loader writes everybody
insert into customer_left (branch_id, customer_id)
select c.branch_id, c.id
  from staged_customer d
  join customer c on c.id = d.id and c.branch_id <> d.branch_id
 where not d.fresh
    on conflict (branch_id, customer_id) do update set changed_in = pg_current_xact_id(), left_at = now();

-- name: come_back()!
-- scope: none, the loader writes everybody
delete from customer_left l
 using staged_customer d
 where not d.fresh and l.customer_id = d.id and l.branch_id = d.branch_id;

-- name: take_relations_along()!
-- scope: none, the loader writes everybody
update relation r
   set branch_id = d.branch_id, changed_in = pg_current_xact_id()
  from staged_customer d
 where not d.fresh and r.customer_id = d.id and r.branch_id <> d.branch_id;

-- name: add_customers()!
-- scope: none, the loader writes everybody
insert into customer (id, customer_no, name, kind, id_kind, id_no, id_no_mask, id_no_index, mobile, mobile_mask,
                      mobile_index, email, gender, birthday, branch_id, opened_on, closed_on, status, risk_level,
                      risk_assessed_on, investor_kind, assets, source, digest)
overriding system value
select id, customer_no, name, kind, id_kind, id_no, id_no_mask, id_no_index, mobile, mobile_mask,
       mobile_index, email, gender, birthday, branch_id, opened_on, closed_on, status, risk_level,
       risk_assessed_on, investor_kind, assets, source, digest
  from staged_customer
 where fresh;

-- name: change_customers()!
-- scope: none, the loader writes everybody
update customer c
   set name = d.name, kind = d.kind, id_kind = d.id_kind, id_no = d.id_no, id_no_mask = d.id_no_mask,
       id_no_index = d.id_no_index, mobile = d.mobile, mobile_mask = d.mobile_mask, mobile_index = d.mobile_index,
       email = d.email, gender = d.gender, birthday = d.birthday, branch_id = d.branch_id, opened_on = d.opened_on,
       closed_on = d.closed_on, status = d.status, risk_level = d.risk_level, risk_assessed_on = d.risk_assessed_on,
       investor_kind = d.investor_kind, source = d.source, digest = d.digest,
       changed_in = pg_current_xact_id(), version = nextval('row_version')
  from staged_customer d
 where not d.fresh and c.id = d.id;

-- name: add_accounts()!
-- scope: none, the loader writes everybody
insert into account (account_no, customer_id, kind, custodian_bank, opened_on, closed_on, status, source, digest)
select account_no, customer_id, kind, custodian_bank, opened_on, closed_on, status, source, digest
  from staged_account
 where fresh;

-- name: change_accounts()!
-- scope: none, the loader writes everybody
update account a
   set customer_id = d.customer_id, kind = d.kind, custodian_bank = d.custodian_bank, opened_on = d.opened_on,
       closed_on = d.closed_on, status = d.status, source = d.source, digest = d.digest,
       changed_in = pg_current_xact_id()
  from staged_account d
 where not d.fresh and a.account_no = d.account_no;

-- name: add_relations()!
-- scope: none, the loader writes everybody
insert into relation (customer_id, employee_id, kind, share, valid_from, valid_to, branch_id, assets, source, digest)
select customer_id, employee_id, kind, share, valid_from, valid_to, branch_id, assets, source, digest
  from staged_relation
 where fresh;

-- name: change_relations()!
-- scope: none, the loader writes everybody
update relation r
   set share = d.share, valid_to = d.valid_to, source = d.source, digest = d.digest, changed_in = pg_current_xact_id()
  from staged_relation d
 where not d.fresh and r.customer_id = d.customer_id and r.employee_id = d.employee_id and r.kind = d.kind
   and r.valid_from = d.valid_from;

-- name: end_relations(day)!
-- scope: none, the loader writes everybody
update relation r
   set valid_to = greatest(least(r.valid_to, :day::date), r.valid_from), digest = '', changed_in = pg_current_xact_id()
  from staged_gone_relation g
 where r.customer_id = g.customer_id and r.employee_id = g.employee_id and r.kind = g.kind
   and r.valid_from = g.valid_from;

-- name: empty_customers#
-- scope: none, the part is merged
truncate staged_customer;

-- name: analyze_customer#
-- scope: none, PostgreSQL counts, no row is read
analyze customer;

-- name: empty_accounts#
-- scope: none, the part is merged
truncate staged_account;

-- name: analyze_account#
-- scope: none, PostgreSQL counts, no row is read
analyze account;

-- name: empty_relations#
-- scope: none, the part is merged
truncate staged_relation;

-- name: analyze_relation#
-- scope: none, PostgreSQL counts, no row is read
analyze relation;

-- name: prove_customers()$
-- scope: none, counts what refers to nobody
select count(*)
  from customer c
 where c.changed_in = pg_current_xact_id() and not exists (select from unit u where u.id = c.branch_id);

-- name: prove_accounts()$
-- scope: none, counts what refers to nobody
select count(*)
  from account a
 where a.changed_in = pg_current_xact_id() and not exists (select from customer c where c.id = a.customer_id);

-- name: prove_relations()$
-- scope: none, counts what refers to nobody
select count(*)
  from relation r
 where r.changed_in = pg_current_xact_id()
   and (not exists (select from customer c where c.id = r.customer_id)
        or not exists (select from employee e where e.id = r.employee_id));
