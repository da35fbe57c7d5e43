-- Of two readings of a conversation, the one of the higher revision is the newer.
alter table conversation add column revision integer not null default 0; -- grows with each change of state or employee
