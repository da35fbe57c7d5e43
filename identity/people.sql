-- name: employee(employee_no)^
-- scope: none, whoever signs in has no scope yet
select employee_no as subject, null::bytea as mobile, null::bytea as mobile_index
  from employee
 where employee_no = :employee_no and holds(hired_on, left_on);

-- name: customers(login, mobile_index)
-- scope: none, whoever signs in has no scope yet; the number of the source system, which no broker can change
select customer_no, mobile, mobile_index, customer_no = :login as by_number
  from customer
 where id in (select id from customer where customer_no = :login
              union all
              select id from customer where mobile_index = :mobile_index)
   and status <> 'closed' and lasts(closed_on)
 limit 3;

-- name: is_here(audience, subject)$
-- scope: none, whether a session may go on
select case :audience::text
       when 'staff' then exists (select from employee
                                  where employee_no = :subject and lasts(left_on))
       when 'investor' then exists (select from customer
                                     where customer_no = :subject and status <> 'closed'
                                       and lasts(closed_on))
       else false end;

-- name: works_on(device_id)$
-- scope: none, whoever signs in has no scope yet
select exists (select from device where audience = 'staff' and device_id = :device_id and revoked_at is null);

-- name: knows(audience, subject, device_id)$
-- scope: none, whoever signs in has no scope yet; a device is there from the first sign-in on it
select exists (select from device
                where audience = :audience and subject = :subject and device_id = :device_id and revoked_at is null);
