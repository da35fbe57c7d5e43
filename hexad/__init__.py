"""The composition root: the `hexad` command, embedded PostgreSQL, the supervisor, gateway simulators.

Owns no table.
"""
