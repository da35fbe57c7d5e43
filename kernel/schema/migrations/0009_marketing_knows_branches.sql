-- Whoever writes to all customers of branches must be able to look up their codes.
insert into role_permission (role, permission)
select code, 'organisation.read' from role where code = 'head_office_marketing'
    on conflict do nothing;
