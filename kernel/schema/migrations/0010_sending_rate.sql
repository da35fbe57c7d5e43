-- Token buckets of what is handed to gateways, shared by all who send: filled by a rate, spent by what was handed over.
create table sending_rate (
    gateway  text not null,
    channel  text not null,
    purpose  text not null,
    sender   text not null,                   -- access number or address
    tokens   double precision not null,       -- messages; below zero when several spent at the same moment
    at       timestamptz not null default clock_timestamp(),
    primary key (gateway, channel, purpose, sender)
);
