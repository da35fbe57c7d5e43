-- The tokens that a refresh gave can be given again, the access token as it was.
alter table refresh_token add column access_at bigint not null default 0;
