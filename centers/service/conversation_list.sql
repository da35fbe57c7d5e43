-- name: investors(customer_nos)
-- record_class: Person
-- scope: none, this is how those who signed in are known to the chat
select 'investor' as kind, c.id, c.customer_no as no, c.name from customer c where c.customer_no = any (:customer_nos::text[]);

-- name: employees(employee_nos)
-- scope: none, employees know one another, and units are public inside the firm
select 'staff' as kind, e.id, e.employee_no as no, e.name, coalesce(works_for(e.id), '{}') as queues
  from employee e
 where e.employee_no = any (:employee_nos::text[]) and lasts(e.left_on);

-- name: open_lines(customer_of, customers, employee_of, employees, queue_of, queues, queue_employees)
-- scope: none, for a node that signs all these people in and gives to each what is theirs
with shown (number, id) as (
    select w.number, c.id
      from unnest(:customer_of::integer[], :customers::integer[]) as w (number, customer_id)
     cross join lateral (select id from conversation where customer_id = w.customer_id and state <> 'closed' offset 0) as c
    union all
    select w.number, c.id
      from unnest(:employee_of::integer[], :employees::integer[]) as w (number, employee_id)
     cross join lateral (select id from conversation where employee_id = w.employee_id and state <> 'closed' offset 0) as c
    union all
    select w.number, c.id
      from unnest(:queue_of::integer[], :queues::integer[], :queue_employees::integer[]) as w (number, branch_id, employee_id)
     cross join lateral (select id from conversation where branch_id = w.branch_id and state = 'queued' offset 0) as c
     where not exists (select from former_holder f where f.conversation_id = c.id and f.employee_id = w.employee_id)
)
select shown.number, c.id, c.state, c.last_seq, c.customer_id, i.no as investor_no, i.name as investor_name,
       greatest(i.read_seq, c.investor_seq) as investor_read, c.branch_id, c.employee_id, s.no as staff_no,
       s.name as staff_name, greatest(s.read_seq, c.staff_seq) as staff_read, c.topic,
       i.delivered_seq as investor_delivered, i.read_seq as investor_mark, s.delivered_seq as staff_delivered,
       s.read_seq as staff_mark, c.revision
  from shown
 cross join lateral (select * from conversation where id = shown.id offset 0) as c -- by id each, whatever the planner counts
 cross join lateral (select * from participant where conversation_id = c.id and kind = 'investor' offset 0) as i
  left join lateral (
       select * from participant where conversation_id = c.id and kind = 'staff' and person_id = c.employee_id offset 0
  ) as s on true
 order by shown.number, c.opened_at desc, c.id desc;

-- name: lines(customer, employee, queues, branches, employees, named)
-- record_class: Line
with shown (id) as (
    select id from conversation where customer_id = :customer and state <> 'closed'
    union all
    select id from conversation where employee_id = :employee and state <> 'closed'
    union all
    select q.id
      from conversation q
     where q.state = 'queued' and q.branch_id = any (:queues::integer[])
       and not exists (select from former_holder f where f.conversation_id = q.id and f.employee_id = :employee)
    union all
    select n.id
      from conversation n
     where n.id = any (:named::uuid[]) and n.state = 'closed'
       and (n.customer_id = :customer
            or n.employee_id = :employee and n.state = 'closed'
               and (not n.by_relation and n.branch_id = any (:queues::integer[])
                    or exists (select from customer k
                                where k.id = n.customer_id
                                  and (k.branch_id = any (:branches::integer[]) or exists (
                                          select from relation r
                                           where r.customer_id = k.id and r.employee_id = any (:employees::integer[])
                                             and holds(r.valid_from, r.valid_to))))))
)
select c.id, c.state, c.last_seq, c.customer_id, i.no as investor_no, i.name as investor_name,
       greatest(i.read_seq, c.investor_seq) as investor_read, c.branch_id, c.employee_id, s.no as staff_no,
       s.name as staff_name, greatest(s.read_seq, c.staff_seq) as staff_read, c.topic,
       i.delivered_seq as investor_delivered, i.read_seq as investor_mark, s.delivered_seq as staff_delivered,
       s.read_seq as staff_mark, c.revision
  from shown
  join conversation c on c.id = shown.id
  join participant i on i.conversation_id = c.id and i.kind = 'investor'
  left join participant s on s.conversation_id = c.id and s.kind = 'staff' and s.person_id = c.employee_id
 order by c.opened_at desc, c.id desc;

-- name: find(id, customer, employee, queues, branches, employees)^
-- record_class: Line
select c.id, c.state, c.last_seq, c.customer_id, i.no as investor_no, i.name as investor_name,
       greatest(i.read_seq, c.investor_seq) as investor_read, c.branch_id, c.employee_id, s.no as staff_no,
       s.name as staff_name, greatest(s.read_seq, c.staff_seq) as staff_read, c.topic,
       i.delivered_seq as investor_delivered, i.read_seq as investor_mark, s.delivered_seq as staff_delivered,
       s.read_seq as staff_mark, c.revision
  from conversation c
  join participant i on i.conversation_id = c.id and i.kind = 'investor'
  left join participant s on s.conversation_id = c.id and s.kind = 'staff' and s.person_id = c.employee_id
 where c.id = :id
   and (c.customer_id = :customer
        or c.employee_id = :employee and c.state <> 'closed'
        or c.state = 'queued' and c.branch_id = any (:queues::integer[])
           and not exists (select from former_holder f where f.conversation_id = c.id and f.employee_id = :employee)
        or c.employee_id = :employee and c.state = 'closed'
           and (not c.by_relation and c.branch_id = any (:queues::integer[])
                or exists (select from customer k
                            where k.id = c.customer_id
                              and (k.branch_id = any (:branches::integer[]) or exists (
                                      select from relation r
                                       where r.customer_id = k.id and r.employee_id = any (:employees::integer[])
                                         and holds(r.valid_from, r.valid_to))))));

-- name: had_until(id, employee, branches, employees)$
select f.until_seq
  from former_holder f
  join conversation c on c.id = f.conversation_id
  join customer k on k.id = c.customer_id
 where f.conversation_id = :id and f.employee_id = :employee
   and (k.branch_id = any (:branches::integer[]) or exists (
           select from relation r
            where r.customer_id = k.id and r.employee_id = any (:employees::integer[])
              and holds(r.valid_from, r.valid_to)));

-- name: standing(ids, customers, employees, queues)
-- record_class: Line
-- scope: none, for a node that serves all these people and gives to each what is theirs
with wanted (id) as (
    select unnest(:ids::uuid[])
    union
    select c.id
      from unnest(:customers::integer[]) as who (id)
     cross join lateral (select id from conversation where customer_id = who.id and state <> 'closed' offset 0) as c
    union
    select c.id
      from unnest(:employees::integer[]) as who (id)
     cross join lateral (select id from conversation where employee_id = who.id and state <> 'closed' offset 0) as c
    union
    select c.id
      from unnest(:queues::integer[]) as branch (id)
     cross join lateral (select id from conversation where branch_id = branch.id and state = 'queued' offset 0) as c
)
select c.id, c.state, c.last_seq, c.customer_id, i.no as investor_no, i.name as investor_name,
       greatest(i.read_seq, c.investor_seq) as investor_read, c.branch_id, c.employee_id, s.no as staff_no,
       s.name as staff_name, greatest(s.read_seq, c.staff_seq) as staff_read, c.topic,
       i.delivered_seq as investor_delivered, i.read_seq as investor_mark, s.delivered_seq as staff_delivered,
       s.read_seq as staff_mark, c.revision
  from wanted
 cross join lateral (select * from conversation where id = wanted.id offset 0) as c -- by id each, whatever the planner counts
 cross join lateral (select * from participant where conversation_id = c.id and kind = 'investor' offset 0) as i
  left join lateral (
       select * from participant where conversation_id = c.id and kind = 'staff' and person_id = c.employee_id offset 0
  ) as s on true;

-- name: position(id)$
-- scope: none, a number alone, of a conversation that was looked up before
select count(*)
  from conversation mine
  join conversation c on c.branch_id = mine.branch_id and c.state = 'queued' and (c.opened_at, c.id) <= (mine.opened_at, mine.id)
 where mine.id = :id;
