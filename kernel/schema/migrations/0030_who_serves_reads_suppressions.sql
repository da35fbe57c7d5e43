-- Whoever may write to customers and correct their contact sees within their scope where nothing arrives; lifting stays with
-- head office and compliance.
insert into role_permission (role, permission)
select role, 'suppression.read' from role_permission where permission = 'broadcast.care'
on conflict do nothing;
