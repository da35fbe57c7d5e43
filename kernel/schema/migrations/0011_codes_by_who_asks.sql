-- Codes are counted by who asked for them: what strangers ask for leaves the owner's share alone.
alter table one_time_code
    add column asked_by  text not null default 'stranger' check (asked_by in ('stranger', 'device', 'signed_in')),
    add column asked_for bytea,                          -- keyed hash of the login as it was typed
    add column network   text not null default '';
create index one_time_code_asked_for on one_time_code (asked_for, created_at) where asked_for is not null;
create index one_time_code_network on one_time_code (network, created_at);
create index one_time_code_sent on one_time_code (asked_by, created_at) where mobile_index is not null;
