"""Gateways that reach nobody: an SMS gateway on the outbound queues, an SMTP server, and a page to read both.

And an advisory platform that sells nothing. Owns no table; what was sent stands in `<var>/mailbox`, what was subscribed
to in `<var>/advisory.json`.
"""
