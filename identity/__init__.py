"""Who somebody is and may do: tokens, sessions, credentials, one-time codes, devices, permissions; no HTTP here.

Owns the tables `session`, `credential`, `one_time_code`, `refresh_token`, `oidc_request`, `sign_in_attempt`
and `device`.
Whoever is wrong, locked out or unknown sees the same answer after the same work.
"""
