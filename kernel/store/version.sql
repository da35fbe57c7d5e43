-- name: changed_since(noun, noun_id, version)
-- scope: none, gives names of fields only, to somebody who holds the thing itself
with seen as (
    select coalesce(max(id), 0) as id
      from audit
     where noun = :noun and noun_id = :noun_id and (after ->> 'version')::bigint <= :version
)
select distinct field.key
  from audit
  join seen on audit.id > seen.id
 cross join jsonb_object_keys(coalesce(after, before)) as field (key)
 where noun = :noun and noun_id = :noun_id
   and before -> field.key is distinct from after -> field.key
   and field.key <> 'version'
 order by 1;
