-- name: assigned_after(after, size)$
-- scope: none, ids alone, for the system that looks at everybody's
select coalesce(array_agg(id order by id), '{}')
  from (select id from conversation where state = 'assigned' and id > :after order by id limit :size) as next;

-- name: looking_after(ids)$
-- scope: none, ids alone, for the system that looks at everybody's
select coalesce(array_agg(c.id), '{}')
  from unnest(:ids::uuid[]) as wanted (id)
 cross join lateral (select * from conversation where id = wanted.id offset 0) as c
 where c.state = 'assigned' and not c.by_relation
   and exists (select from relation r
                where r.customer_id = c.customer_id and r.employee_id = c.employee_id
                  and holds(r.valid_from, r.valid_to));

-- name: note_relations(ids)!
-- scope: none, for the system that looks at everybody's
with free as (
    select id from conversation where id = any (:ids::uuid[]) order by id for no key update skip locked
)
update conversation c set by_relation = true from free where c.id = free.id;

-- name: groundless(ids)
-- record_class: Groundless
-- scope: none, for the system that looks at everybody's
with looked_at as materialized (
    select c.*
      from unnest(:ids::uuid[]) as wanted (id)
     cross join lateral (
           select id, state, customer_id, employee_id, by_relation from conversation where id = wanted.id offset 0
     ) as c
     where c.state = 'assigned'
), holder as materialized (
    select e.id, e.employee_no, e.unit_id, not lasts(e.left_on) as gone, works_for(e.id) as branches
      from (select distinct employee_id as id from looked_at) as each
     cross join lateral (select * from employee where id = each.id offset 0) as e
)
select c.id, c.customer_id, h.id as employee_id, h.employee_no, h.unit_id, h.gone or c.by_relation as certain
  from looked_at c
  join holder h on h.id = c.employee_id
 cross join lateral (select branch_id from customer where id = c.customer_id offset 0) as k
 where h.gone
    or c.by_relation and not exists (
           select from relation r
            where r.customer_id = c.customer_id and r.employee_id = c.employee_id and holds(r.valid_from, r.valid_to))
    or not c.by_relation and not k.branch_id = any (coalesce(h.branches, '{}'))
 order by c.id;

-- name: roles_of_sessions(employee_no)$
select coalesce(array_agg(distinct role), '{}')
  from session s, unnest(s.roles) as role
 where s.audience = 'staff' and s.subject = :employee_no and s.revoked_at is null and s.expires_at > now();

-- name: reached(customers, branches, employees)$
-- scope: none, the reach of who has the conversations is given
select coalesce(array_agg(k.id), '{}')
  from customer k
 where k.id = any (:customers::integer[])
   and (k.branch_id = any (:branches::integer[]) or exists (
           select from relation r
            where r.customer_id = k.id and r.employee_id = any (:employees::integer[])
              and holds(r.valid_from, r.valid_to)));

-- name: misplaced(after, size)^
-- record_class: Waiting
-- scope: none, ids alone, for the system that looks at everybody's
with customers as (
    select distinct customer_id as id
      from conversation
     where state = 'queued' and customer_id > :after
     order by customer_id
     limit :size
), waiting as (
    select c.id, c.customer_id,
           c.branch_id <> k.branch_id or exists (
               select from relation r
                 join employee e on e.id = r.employee_id
                where r.customer_id = k.id and r.kind = 'service' and holds(r.valid_from, r.valid_to)
                  and lasts(e.left_on)) as misplaced
      from customers
      join conversation c on c.customer_id = customers.id and c.state = 'queued'
      join customer k on k.id = customers.id
)
select coalesce(array_agg(id order by id) filter (where misplaced), '{}') as misplaced,
       coalesce(max(customer_id), 0) as last, count(distinct customer_id) as customers
  from waiting;

-- name: route_again(ids, holders)$
-- scope: none, for the system that looks at everybody's
with lost as (
    select c.id, c.customer_id, c.employee_id, c.last_seq
      from unnest(:ids::uuid[], :holders::integer[]) as w (id, holder)
      join conversation c on c.id = w.id and c.employee_id is not distinct from w.holder and c.state <> 'closed'
     order by c.id
       for no key update of c skip locked
), placed as (
    select lost.*, k.branch_id, owner.id as owner_id, owner.employee_no, owner.name
      from lost
      join customer k on k.id = lost.customer_id
      left join lateral (
           select e.id, e.employee_no, e.name
             from relation r
             join employee e on e.id = r.employee_id
            where r.customer_id = lost.customer_id and r.kind = 'service' and e.id is distinct from lost.employee_id
              and holds(r.valid_from, r.valid_to)
              and lasts(e.left_on)
            order by r.share desc, r.valid_from desc, e.id
            limit 1
      ) as owner on true
), former as (
    insert into former_holder (conversation_id, employee_id, until_seq)
    select id, employee_id, last_seq from placed where employee_id is not null
        on conflict (conversation_id, employee_id) do update set until_seq = excluded.until_seq, left_at = now()
), joined as (
    insert into participant (conversation_id, kind, person_id, no, name)
    select id, 'staff', owner_id, employee_no, name from placed where owner_id is not null
        on conflict do nothing
), moved as (
    update conversation c
       set state = case when p.owner_id is null then 'queued' else 'assigned' end, employee_id = p.owner_id,
           branch_id = p.branch_id, assigned_at = now(), by_relation = p.owner_id is not null, staff_seq = 0,
           revision = c.revision + 1
      from placed p
     where c.id = p.id
 returning c.id
)
select coalesce(array_agg(id order by id), '{}') from moved;
