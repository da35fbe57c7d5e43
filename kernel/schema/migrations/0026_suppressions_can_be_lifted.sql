-- Suppressions are listed and lifted by staff: each has a name of its own, and is seen by whoever sees the customer.
alter table suppression add column id bigint generated always as identity;
create unique index suppression_id on suppression (id);
alter table suppression enable row level security;
alter table suppression force row level security;
create policy reach on suppression using (
    case (select current_setting('hexad.scope', true))
        when 'company' then true
        else exists (select from customer c where c.id = suppression.customer_id)
    end);
grant delete on suppression to hexad_app;

insert into role_permission (role, permission)
select code, permission
  from role, unnest(array['suppression.read', 'suppression.lift']) as permission
 where code in ('head_office_marketing', 'compliance');

-- How e-mails of a broadcast were answered lately, minute by minute, so that one that bounces is stopped. Kept for an hour.
create table bounce_tally (
    broadcast_id  uuid not null,
    minute        timestamptz not null,
    answers       integer not null,                -- e-mails that were answered in that minute
    bounces       integer not null,                -- those of them that were refused for good
    primary key (broadcast_id, minute)
);
create index bounce_tally_minute on bounce_tally (minute);
grant insert, update, delete on bounce_tally to hexad_app;
