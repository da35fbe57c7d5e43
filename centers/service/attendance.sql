-- name: attend(employees, node)!
insert into attendance (employee_id, node_id)
select id, :node from unnest(:employees::integer[]) as id order by id
    on conflict (employee_id, node_id) do update set seen_at = now();

-- name: leave(employees, node, silence)
with gone as (
    delete from attendance
     where node_id = :node and not employee_id = any (:employees::integer[])
        or seen_at < now() - make_interval(secs => :silence * 20)
 returning employee_id
)
select e.employee_no from gone join employee e on e.id = gone.employee_id;

-- name: statuses(employee_nos, silence)
-- record_class: Presence
select e.employee_no as id,
       case when exists (select from attendance a
                          where a.employee_id = e.id and a.seen_at > now() - make_interval(secs => :silence))
            then coalesce(s.status, 'online') else 'offline' end as status
  from employee e
  left join staff_status s on s.employee_id = e.id
 where e.employee_no = any (:employee_nos::text[]);

-- name: set_status(employee, status)!
insert into staff_status (employee_id, status) values (:employee, :status)
    on conflict (employee_id) do update set status = excluded.status, changed_at = now();
