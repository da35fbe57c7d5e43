-- name: list()
-- record_class: Role
select r.code, r.name_zh, r.name_en, r.scope,
       coalesce((select array_agg(p.permission order by p.permission) from role_permission p where p.role = r.code),
                '{}') as permissions,
       r.version
  from role r
 order by r.code;

-- name: find(code)^
-- record_class: Role
select r.code, r.name_zh, r.name_en, r.scope,
       coalesce((select array_agg(p.permission order by p.permission) from role_permission p where p.role = r.code),
                '{}') as permissions,
       r.version
  from role r
 where r.code = :code;

-- name: lock(code)$
select code from role where code = :code for update;

-- name: change(code, scope)!
update role set scope = :scope, version = nextval('row_version') where code = :code;

-- name: forget_permissions(code)!
delete from role_permission where role = :code;

-- name: add_permissions(code, permissions)!
insert into role_permission (role, permission) select :code, unnest(:permissions::text[]);
