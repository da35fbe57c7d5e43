-- name: give(id, audience, subject, kind, title, body, title_en, body_en, link, once)!
-- scope: none, whoever is told something need not be in the scope of who says it
insert into notice (id, audience, subject, kind, title, body, title_en, body_en, link, once)
values (:id, :audience, :subject, :kind, :title, :body, :title_en, :body_en, :link, :once)
on conflict do nothing;

-- name: find(notice_id, language)^
-- record_class: Notice
-- scope: none, the table's policy shows one's own, and all to the system
select id, kind, case when :language = 'en' then coalesce(title_en, title) else title end as title,
       case when :language = 'en' then coalesce(body_en, body) else body end as body, link, at, read_at
  from notice
 where id = :notice_id;

-- name: list(audience, subject, language, unread, before_at, before_id, size)
-- record_class: Notice
-- scope: none, subject and audience are the principal's, and the table's policy holds it too
select id, kind, case when :language = 'en' then coalesce(title_en, title) else title end as title,
       case when :language = 'en' then coalesce(body_en, body) else body end as body, link, at, read_at
  from notice
 where audience = :audience and subject = :subject
   and (at, id) < (coalesce(:before_at::timestamptz, (select at from notice where id = :before_id), 'infinity'), :before_id)
   and (not :unread::boolean or read_at is null)
 order by at desc, id desc
 limit :size;

-- name: unread(audience, subject)$
-- scope: none, a count of one's own
select count(*) from notice where audience = :audience and subject = :subject and read_at is null;

-- name: read(audience, subject, notice_id)!
-- scope: none, subject and audience are the principal's, and the table's policy holds it too
update notice set read_at = now(), changed_in = pg_current_xact_id()
 where id = :notice_id and audience = :audience and subject = :subject and read_at is null;

-- name: given_at(audience, subject, notice_id)$
-- scope: none, subject and audience are the principal's, and the table's policy holds it too
select at from notice where id = :notice_id and audience = :audience and subject = :subject;

-- name: read_up_to(audience, subject, at, last)!
-- scope: none, subject and audience are the principal's, and the table's policy holds it too
update notice set read_at = now(), changed_in = pg_current_xact_id()
 where audience = :audience and subject = :subject and (at, id) <= (:at, :last) and read_at is null;
