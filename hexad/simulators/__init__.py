"""Gateways that reach nobody: an SMS gateway on the outbound queues, an SMTP server, and a page to read both.

Owns no table; what was sent stands in `<var>/mailbox`.
"""
