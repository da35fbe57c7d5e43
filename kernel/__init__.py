"""What every part stands on: settings, database, SQL, scope, errors, events, calendar, crypto, telemetry.

Owns the tables `migration`, `outbox` (with `workers`), `job` (with `workers`), `trading_day`, `audit`,
`audit_unsealed`, `audit_seal`, `key_mark`, `restoration`.
"""
