-- name: enrol(names, kinds, queues)!
-- scope: none, handlers belong to nobody
with gone as (
    delete from handler where name <> all(:names::text[])
)
insert into handler (name, kind, queue)
select * from unnest(:names::text[], :kinds::text[], :queues::text[])
    on conflict (name) do update
   set kind = excluded.kind, queue = excluded.queue;
