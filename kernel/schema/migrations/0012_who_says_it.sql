-- Whose word it is: who wrote into a queue, which gateway a message went to, and keys that tell apart what is not the same.
create function vouch_for_publisher() returns trigger language plpgsql as $$
begin
    new.headers := case when jsonb_typeof(new.headers) = 'object' then new.headers else '{}' end
                   || jsonb_build_object('x-hexad-publisher', session_user::text);
    return new;
end $$;

create table sms_leased (
    id        uuid not null,
    gateway   text not null,
    returned  boolean not null default false,
    at        timestamptz not null default now(),
    primary key (id, gateway)
);
create index sms_leased_at on sms_leased (at);
insert into sms_leased (id, gateway) select id, gateway from sms_lease;

alter table receipt drop constraint receipt_pkey;
alter table receipt add primary key (message_id, gateway, gateway_id, status, at, code);
alter table receipt drop constraint receipt_problem_check;
alter table receipt add constraint receipt_problem_check
    check (problem in ('unknown_id', 'unknown_gateway', 'other_gateway'));
create index receipt_unknown_gateway on receipt (gateway) where problem = 'unknown_gateway';

alter table inbound add column digest bytea not null default '';
alter table inbound drop constraint inbound_pkey;
alter table inbound add primary key (gateway, gateway_id, at, digest);
alter table inbound drop constraint inbound_meaning_check;
alter table inbound add constraint inbound_meaning_check
    check (meaning in ('opt_out', 'opt_out_all', 'other', 'unknown_gateway', 'other_gateway'));
create index inbound_unknown_gateway on inbound (gateway) where meaning = 'unknown_gateway';
