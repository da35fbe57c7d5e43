-- What left a branch is remembered for three times the age of the oldest cursor that a phone may come with, then forgotten.
alter table customer_left add column left_at timestamptz not null default now();
create index customer_left_at on customer_left (left_at);
