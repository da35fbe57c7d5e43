-- name: customer(customer_no)$
-- scope: none, this is how an investor's scope comes to be
select id from customer where customer_no = :customer_no;

-- name: granted(roles, employee, unit)
-- scope: none, this is how a scope comes to be
with held (role, unit_id) as (
    select role, null::integer from unnest(:roles::text[]) as role
    union all
    select role, unit_id from assignment where employee_id = :employee
)
select p.permission, r.scope,
       array_agg(distinct coalesce(h.unit_id, place.unit_id)) filter (where h.unit_id is not null
                                                                      or place.unit_id is not null) as units
  from held h
  join role r on r.code = h.role
  join role_permission p on p.role = r.code
  left join lateral (
      select u.id as unit_id
        from unit_under a
        join unit u on u.id = a.ancestor_id
       where a.unit_id = :unit and u.kind = r.scope
       order by a.depth
       limit 1
  ) as place on true
 group by p.permission, r.scope;

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
