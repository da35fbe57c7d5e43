-- name: investor(customer_no)^
-- record_class: Person
-- scope: none, this is how one who signed in is known to the chat
select 'investor' as kind, c.id, c.customer_no as no, c.name from customer c where c.customer_no = :customer_no;

-- name: employee(employee_no)^
-- record_class: Person
-- scope: none, employees know one another
select 'staff' as kind, e.id, e.employee_no as no, e.name
  from employee e
 where e.employee_no = :employee_no and (e.left_on is null or e.left_on > current_date);

-- name: works_for(employee)$
-- scope: none, units are public inside the firm
select coalesce(works_for(:employee), '{}');

-- name: lines(customer, employee, branches, named, size)
-- record_class: Line
select c.id, c.state, c.last_seq, c.customer_id, i.no as investor_no, i.name as investor_name, i.read_seq as investor_read,
       c.branch_id, c.employee_id, s.no as staff_no, s.name as staff_name, s.read_seq as staff_read
  from conversation c
  join participant i on i.conversation_id = c.id and i.kind = 'investor'
  left join participant s on s.conversation_id = c.id and s.kind = 'staff' and s.person_id = c.employee_id
 where (c.customer_id = :customer or c.employee_id = :employee
        or c.state = 'queued' and c.branch_id = any (:branches::integer[]))
   and (c.state <> 'closed' or c.id = any (:named::uuid[]))
 order by c.opened_at desc, c.id desc
 limit :size;

-- name: find(id, customer, employee, branches)^
-- record_class: Line
select c.id, c.state, c.last_seq, c.customer_id, i.no as investor_no, i.name as investor_name, i.read_seq as investor_read,
       c.branch_id, c.employee_id, s.no as staff_no, s.name as staff_name, s.read_seq as staff_read
  from conversation c
  join participant i on i.conversation_id = c.id and i.kind = 'investor'
  left join participant s on s.conversation_id = c.id and s.kind = 'staff' and s.person_id = c.employee_id
 where c.id = :id
   and (c.customer_id = :customer or c.employee_id = :employee
        or c.state = 'queued' and c.branch_id = any (:branches::integer[]));

-- name: standing(ids, customers, employees)
-- record_class: Line
-- scope: none, for a node that serves all these people and gives to each what is theirs
select c.id, c.state, c.last_seq, c.customer_id, i.no as investor_no, i.name as investor_name, i.read_seq as investor_read,
       c.branch_id, c.employee_id, s.no as staff_no, s.name as staff_name, s.read_seq as staff_read
  from conversation c
  join participant i on i.conversation_id = c.id and i.kind = 'investor'
  left join participant s on s.conversation_id = c.id and s.kind = 'staff' and s.person_id = c.employee_id
 where c.id = any (:ids::uuid[])
    or c.state <> 'closed' and c.customer_id = any (:customers::integer[])
    or c.state <> 'closed' and c.employee_id = any (:employees::integer[]);

-- name: position(id)$
-- scope: none, a number alone, of a conversation that was looked up before
select count(*)
  from conversation mine
  join conversation c on c.branch_id = mine.branch_id and c.state = 'queued' and (c.opened_at, c.id) <= (mine.opened_at, mine.id)
 where mine.id = :id;
