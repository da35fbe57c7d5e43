"""What every part stands on: settings, database, SQL, scope, errors, events, calendar, crypto, telemetry.

Owns the tables of `kernel/schema/tables/1_ground.sql`: migrations, outbox and jobs, sessions, calendar, audit.
"""
