create table device (
    audience      text not null check (audience in ('staff', 'investor')),
    subject       text not null,
    device_id     text not null,
    name          text not null default '',
    vendor        text check (vendor in ('apns', 'fcm', 'huawei', 'xiaomi', 'oppo', 'vivo', 'honor')),
    push_token    bytea,
    app_version   text not null default '',
    seen_at       timestamptz not null default now(),
    revoked_at    timestamptz,
    version       bigint not null default nextval('row_version'),
    changed_in    xid8 not null default pg_current_xact_id(),
    primary key (audience, subject, device_id)
);
create index device_anybodys on device (device_id, audience);

-- How people sign in. A row without a password waits for its activation.
create table credential (
    audience      text not null check (audience in ('staff', 'investor')),
    subject       text not null,
    password      text,                            -- Argon2id, in its own encoded form
    totp          bytea,
    totp_used     bigint not null default 0,       -- the last time step that was used: each is good once
    totp_proven   boolean not null default false,  -- a code from the authenticator was seen
    failures      integer not null default 0,      -- of the release before, as is the next: attempts are counted apart
    locked_until  timestamptz,
    changed_at    timestamptz not null default now(),
    version       bigint not null default nextval('row_version'),
    primary key (audience, subject)
);

-- Codes for one use: sent by SMS, or handed over by an administrator. `sealed` is forgotten once it was sent, the rest
-- after two days: the limits, counted by who asked, look back over one.
create table one_time_code (
    id            uuid primary key,
    purpose       text not null check (purpose in ('sign_in', 'password', 'activate', 'subscribe')),
    audience      text not null check (audience in ('staff', 'investor')),
    subject       text not null,
    device_id     text not null,
    hash          bytea not null,
    sealed        bytea,
    mobile        bytea,
    mobile_index  bytea,
    address       text not null,
    tries         integer not null default 0,
    created_at    timestamptz not null default now(),
    expires_at    timestamptz not null,
    used_at       timestamptz,
    about         text not null default '',        -- what exactly it is good for, where the purpose alone does not say
    asked_by      text not null default 'stranger' check (asked_by in ('stranger', 'device', 'signed_in')),
    asked_for     bytea,                           -- keyed hash of the login as it was typed
    network       text not null default ''
);
create index one_time_code_subject on one_time_code (audience, subject, purpose, created_at);
create index one_time_code_mobile on one_time_code (mobile_index, created_at) where mobile_index is not null;
create index one_time_code_address on one_time_code (address, created_at);
create index one_time_code_device on one_time_code (device_id, created_at);
create index one_time_code_created on one_time_code (created_at);
create index one_time_code_asked_for on one_time_code (asked_for, created_at) where asked_for is not null;
create index one_time_code_network on one_time_code (network, created_at);
create index one_time_code_sent on one_time_code (asked_by, created_at) where mobile_index is not null;

-- Attempts to sign in that have not succeeded: counted before they are looked at, for a minute, and longer when they were
-- wrong; success takes them back. Those at nobody known, or not looked at, are kept for an hour, the others for a day.
create table sign_in_attempt (
    address    text,                               -- null: it came from a device on which the person had signed in
    at         timestamptz not null default now(),
    id         uuid primary key default gen_random_uuid(),
    audience   text not null default '',
    subject    text not null default '',           -- empty: nobody known, or not looked at
    proof      text not null default '',
    device_id  text not null default '',           -- empty: counted by its address
    wrong      boolean not null default true
);
create index sign_in_attempt_address on sign_in_attempt (address, at);
create index sign_in_attempt_at on sign_in_attempt (at);
create index sign_in_attempt_person on sign_in_attempt (audience, subject, at) where subject <> '';

-- Refresh tokens of a session, by their hash; one that is used again later or elsewhere ends the session. Kept for a day
-- after their end.
create table refresh_token (
    hash        bytea primary key,
    session_id  uuid not null references session on delete cascade,
    issued_at   timestamptz not null default now(),
    expires_at  timestamptz not null,
    used_at     timestamptz,
    access_at   bigint not null default 0    -- when the access token beside it was issued, Unix seconds of who issued it
);
create index refresh_token_session on refresh_token (session_id);
create index refresh_token_expires on refresh_token (expires_at);

-- Single sign-on under way, from our redirect to the provider's answer.
create table oidc_request (
    state       bytea primary key,
    nonce       text not null,
    verifier    bytea not null,
    device_id   text not null,
    expires_at  timestamptz not null
);
