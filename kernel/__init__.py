"""What every part stands on: settings, database, SQL, scope, errors, events, calendar, crypto, telemetry.

Owns the tables of `kernel/schema/schema.sql`: migrations, outbox and jobs, sessions and roles, calendar, audit.
"""
