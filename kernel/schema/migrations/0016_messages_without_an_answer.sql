-- A broadcast is looked at once more when receipts of it can come no more.
alter table broadcast add column silent_at timestamptz;
create index broadcast_silent on broadcast (expires_at) where silent_at is null;
