-- name: current()^
-- scope: none, questionnaires belong to nobody
select version, valid_days from questionnaire order by version desc limit 1;

-- name: choices(version, language)
-- scope: none, questionnaires belong to nobody
select q.number, case when :language = 'zh' then q.text_zh else q.text_en end as question, c.letter,
       case when :language = 'zh' then c.text_zh else c.text_en end as text, c.points
  from question q
  join question_choice c on c.version = q.version and c.number = q.number
 where q.version = :version
 order by q.number, c.letter;

-- name: answered_today(customer)$
select count(*)
  from assessment
 where customer_id = :customer and answers is not null
   and at >= (current_date::timestamp at time zone 'Asia/Shanghai');

-- name: lock(customer)!
-- scope: none, two answers of one person wait for one another
select pg_advisory_xact_lock(1363497043, :customer);

-- name: add(customer, score, risk_level, valid_days, version, answers)^
-- record_class: Assessment
insert into assessment (customer_id, at, source, score, risk_level, expires_on, questionnaire_version, answers)
values (:customer, now(), 'hexad', :score, :risk_level, current_date + :valid_days::integer, :version, :answers)
returning at, score, risk_level, expires_on, source;

-- name: list_own(customer, before, source, size)
-- record_class: Assessment
select at, score, risk_level, expires_on, source
  from assessment
 where customer_id = :customer and (:before::timestamptz is null or (at, source) < (:before, :source::text))
 order by at desc, source desc
 limit :size;
