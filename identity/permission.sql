-- name: customers(customer_nos)
-- scope: none, this is how an investor's scope comes to be
select customer_no, id from customer where customer_no = any (:customer_nos::text[]);

-- name: granted(numbers, employees, units, given_to, given)
-- scope: none, this is how a scope comes to be
with who (number, employee_id, unit_id) as (
    select * from unnest(:numbers::integer[], :employees::integer[], :units::integer[])
), held (number, role, unit_id) as (
    select *, null::integer from unnest(:given_to::integer[], :given::text[])
    union all
    select w.number, a.role, a.unit_id from who w join assignment a on a.employee_id = w.employee_id
)
select h.number, r.code as role, r.scope, p.permissions,
       array_agg(distinct coalesce(h.unit_id, place.unit_id)) filter (where h.unit_id is not null
                                                                      or place.unit_id is not null) as units
  from held h
  join who w using (number)
  join role r on r.code = h.role
 cross join lateral (select array_agg(permission) as permissions from role_permission where role = r.code) as p
  left join lateral (
      select u.id as unit_id
        from unit_under a
        join unit u on u.id = a.ancestor_id
       where a.unit_id = w.unit_id and u.kind = r.scope
       order by a.depth
       limit 1
  ) as place on true
 where p.permissions is not null
 group by h.number, r.code, r.scope, p.permissions;

-- name: employees_under(units)$
-- scope: none, this is how a scope comes to be
select coalesce(array_agg(distinct e.id), '{}')
  from unit_under a
  join employee e on e.unit_id = a.unit_id
 where a.ancestor_id = any (:units::integer[]);

-- name: branches_under(units)$
-- scope: none, this is how a scope comes to be
select coalesce(array_agg(distinct u.id), '{}')
  from unit_under a
  join unit u on u.id = a.unit_id and u.kind = 'branch'
 where a.ancestor_id = any (:units::integer[]);

-- name: branches()$
-- scope: none, this is how a scope comes to be
select coalesce(array_agg(id), '{}') from unit where kind = 'branch';
