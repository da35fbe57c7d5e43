"""Signing in: passwords, authenticators, one-time codes, sessions with refresh tokens, single sign-on.

Owns the tables credential, one_time_code (with notifications), refresh_token, oidc_request and sign_in_attempt.
Whoever is wrong, locked out or unknown sees the same answer after the same work.
"""
