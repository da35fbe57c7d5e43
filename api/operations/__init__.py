"""Routes for whoever runs the system: the audit log, jobs, the trading calendar."""
