-- Pairs of an investor and a broker with a conversation each; ids of brokers and customers are 1 to `pairs`.

-- name: add_units()!
-- scope: none, made by the owner of the database before anybody asks it
with region as (
    insert into unit (kind, code, name, parent_id)
    select 'region', 'R1', '第1区域', id from unit where kind = 'company' returning id
)
insert into unit (kind, code, name, parent_id) select 'branch', 'B1', '人民路证券营业部', id from region;

-- name: add_brokers(pairs)!
-- scope: none, made by the owner of the database before anybody asks it
insert into employee (id, employee_no, name, unit_id, position, hired_on, source, digest)
overriding system value
select i, 'E' || lpad(i::text, 6, '0'), '经纪人' || i, branch.id, '经纪人', '2020-01-01', 'bench', ''
  from generate_series(1, :pairs::integer) as i, unit as branch
 where branch.kind = 'branch';

-- name: add_roles()!
insert into assignment (employee_id, role) select id, 'broker' from employee;

-- name: add_customers(pairs)!
-- scope: none, made by the owner of the database before anybody asks it
insert into customer (id, customer_no, name, kind, id_kind, id_no, id_no_mask, id_no_index, branch_id, opened_on, status,
                      investor_kind, source, digest)
overriding system value
select i, '88' || lpad(i::text, 8, '0'), '客户' || i, 'individual', 'id_card', '', '1***', '', branch.id, '2020-01-01',
       'normal', 'ordinary', 'bench', ''
  from generate_series(1, :pairs::integer) as i, unit as branch
 where branch.kind = 'branch';

-- name: add_conversations()!
-- scope: none, made by the owner of the database before anybody asks it
insert into conversation (id, customer_id, branch_id, employee_id, state, assigned_at)
select gen_random_uuid(), c.id, c.branch_id, c.id, 'assigned', now() from customer c;

-- name: add_participants()!
-- scope: none, made by the owner of the database before anybody asks it
insert into participant (conversation_id, kind, person_id, no, name)
select v.id, 'investor', c.id, c.customer_no, c.name from conversation v join customer c on c.id = v.customer_id
union all
select v.id, 'staff', e.id, e.employee_no, e.name from conversation v join employee e on e.id = v.employee_id;

-- name: pairs()
-- scope: none, made by the owner of the database before anybody asks it
select v.id, c.customer_no, e.employee_no
  from conversation v
  join customer c on c.id = v.customer_id
  join employee e on e.id = v.employee_id
 order by c.id;

-- name: stored()^
-- scope: none, made by the owner of the database before anybody asks it
select count(*) as messages, (select sum(last_seq) from conversation) as seqs from message;
