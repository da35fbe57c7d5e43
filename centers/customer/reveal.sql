-- name: lock(employee_no)$
-- scope: none, two reveals of one person wait for one another, so that a quota is exact
select pg_advisory_xact_lock(1381381452, hashtext(:employee_no));

-- name: used(employee_no)$
-- scope: none, a count of one's own reveals since midnight in Beijing
select count(*) from reveal where employee_no = :employee_no and at >= current_date;

-- name: until_midnight()$
-- scope: none, the clock in Beijing
select extract(epoch from current_date + 1 - now())::float8;

-- name: add(id, employee_no, customer_id, field)!
-- scope: none, the customer was looked up in scope before
insert into reveal (id, employee_no, customer_id, field) values (:id, :employee_no, :customer_id, :field);
