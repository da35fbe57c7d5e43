-- Stopping a broadcast is a permission of its own: those who may start one have it.
insert into role_permission (role, permission)
select distinct role, 'broadcast.change' from role_permission where permission in ('broadcast.care', 'broadcast.start');
