-- name: list()
-- record_class: TemplateLine
-- scope: none, templates are public inside the firm
select t.code, t.name, t.purpose, t.topic, t.most::int4, max(v.number) as newest,
       max(v.number) filter (where v.approved_at is not null) as approved
  from template t
  join template_version v on v.code = t.code
 group by t.code
 order by t.code
 limit 1000;

-- name: find(code)^
-- record_class: TemplateLine
-- scope: none, templates are public inside the firm
select t.code, t.name, t.purpose, t.topic, t.most::int4, max(v.number) as newest,
       max(v.number) filter (where v.approved_at is not null) as approved
  from template t
  join template_version v on v.code = t.code
 where t.code = :code
 group by t.code;

-- name: version(code, number)^
-- scope: none, templates are public inside the firm
select code, number, variables::text, texts::text, made_by, made_at, approved_by, approved_at
  from template_version
 where code = :code and number = :number;

-- name: lock(code)^
-- scope: none, templates are public inside the firm
select purpose from template where code = :code for update;

-- name: put(code, name, purpose, topic, most)!
-- scope: none, templates are public inside the firm
insert into template (code, name, purpose, topic, most) values (:code, :name, :purpose, :topic, :most)
on conflict (code) do update
   set name = excluded.name, topic = excluded.topic, most = excluded.most, version = nextval('row_version');

-- name: add_version(code, variables, texts, by)$
-- scope: none, templates are public inside the firm
insert into template_version (code, number, variables, texts, made_by)
select :code, coalesce(max(number), 0) + 1, cast(cast(:variables as text) as jsonb),
       cast(cast(:texts as text) as jsonb), :by
  from template_version
 where code = :code
returning number;

-- name: approve(code, number, by)!
-- scope: none, templates are public inside the firm
update template_version set approved_by = :by, approved_at = now()
 where code = :code and number = :number and approved_at is null;
