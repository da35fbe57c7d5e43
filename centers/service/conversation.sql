-- name: take_turns(customer)$
-- scope: none, no row is read; two who open a conversation of one customer wait for one another
select pg_advisory_xact_lock(1128808772, :customer);

-- name: customer_in_scope(customer_no, branches, employees)^
-- record_class: Customer
select c.id, c.customer_no as no, c.name, c.branch_id
  from customer c
 where c.customer_no = :customer_no and lasts(c.closed_on)
   and (c.branch_id = any (:branches::integer[]) or exists (
           select from relation r
            where r.customer_id = c.id and r.employee_id = any (:employees::integer[])
              and holds(r.valid_from, r.valid_to)));

-- name: customer(id)^
-- record_class: Customer
-- scope: none, the one who asks
select c.id, c.customer_no as no, c.name, c.branch_id from customer c where c.id = :id and lasts(c.closed_on);

-- name: owner(customer)^
-- record_class: Person
-- scope: none, who looks after the one who asks
select 'staff' as kind, e.id, e.employee_no as no, e.name
  from relation r
  join employee e on e.id = r.employee_id
 where r.customer_id = :customer and r.kind = 'service'
   and holds(r.valid_from, r.valid_to)
   and lasts(e.left_on)
 order by r.share desc, r.valid_from desc, e.id
 limit 1;

-- name: named(customer, branch, employee_no)^
-- record_class: Person
-- scope: none, whom the one who asks may speak with: who looks after them, or the licensed of their branch
select 'staff' as kind, e.id, e.employee_no as no, e.name
  from employee e
 where e.employee_no = :employee_no and lasts(e.left_on)
   and (exists (select from relation r
                 where r.customer_id = :customer and r.employee_id = e.id and holds(r.valid_from, r.valid_to))
        or e.licence_no is not null and lasts(e.licence_valid_to)
           and :branch::integer = any (works_for(e.id)));

-- name: least_busy(branch, silence)^
-- record_class: Person
-- scope: none, how many conversations each has is counted, nothing is shown
select 'staff' as kind, e.id, e.employee_no as no, e.name
  from attendance a
  join employee e on e.id = a.employee_id
  left join staff_status s on s.employee_id = e.id
 where a.seen_at > now() - make_interval(secs => :silence) and coalesce(s.status, 'online') = 'online'
   and lasts(e.left_on)
   and e.licence_no is not null and lasts(e.licence_valid_to)
   and :branch::integer = any (works_for(e.id))
 order by (select count(*) from conversation c where c.employee_id = e.id and c.state = 'assigned'), e.id
 limit 1;

-- name: open_one(customer, employee)$
-- scope: none, of the two who would speak, and of their queue
select c.id
  from conversation c
 where c.customer_id = :customer and c.state <> 'closed'
   and (c.employee_id is not distinct from :employee::integer)
 order by c.opened_at desc
 limit 1;

-- name: open_any(customer)$
-- scope: none, of the one who asks
select c.id
  from conversation c
 where c.customer_id = :customer and c.state <> 'closed'
 order by c.opened_at desc
 limit 1;

-- name: add(id, customer, branch, employee, topic)!
-- scope: none, the two were looked up before, and the table's policy holds it too
insert into conversation (id, customer_id, branch_id, employee_id, topic, state, assigned_at, by_relation)
select :id, :customer, :branch, :employee, :topic, case when :employee::integer is null then 'queued' else 'assigned' end,
       case when :employee::integer is null then null else now() end,
       exists (select from relation r
                where r.customer_id = :customer and r.employee_id = :employee and holds(r.valid_from, r.valid_to));

-- name: join_in(conversation_id, kind, person_id, no, name)!
-- scope: none, the conversation was looked up before, and the table's policy holds it too
insert into participant (conversation_id, kind, person_id, no, name)
values (:conversation_id, :kind, :person_id, :no, :name)
on conflict do nothing;

-- name: lock(id)^
-- scope: none, the conversation is looked up in scope right after, and the table's policy holds it too
select state from conversation where id = :id for no key update;

-- name: assign(id, employee)!
-- scope: none, the conversation was looked up before, and the table's policy holds it too
update conversation c
   set state = 'assigned', employee_id = :employee, assigned_at = now(), staff_seq = 0, revision = c.revision + 1,
       by_relation = exists (select from relation r
                              where r.customer_id = c.customer_id and r.employee_id = :employee
                                and holds(r.valid_from, r.valid_to))
 where c.id = :id;

-- name: licensed(employee)$
-- scope: none, one's own licence
select exists (select from employee
                where id = :employee and licence_no is not null
                  and lasts(licence_valid_to));

-- name: close(id)!
-- scope: none, the conversation was looked up before, and the table's policy holds it too
update conversation set state = 'closed', closed_at = now(), revision = revision + 1 where id = :id;

-- name: rate(id, score, comment)!
-- scope: none, the conversation was looked up before, and the table's policy holds it too
insert into rating (conversation_id, score, comment) values (:id, :score, :comment) on conflict do nothing;

-- name: is_rated(id, score, comment)$
-- scope: none, the conversation was looked up before, and the table's policy holds it too
select exists (select from rating where conversation_id = :id and score = :score and comment = :comment);
