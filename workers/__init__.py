"""What happens after the commit: the relay moves events to the broker, workers handle them, beat starts what is due.

Owns the tables `outbox` (with `kernel`), `job` (with `kernel`), `worker`, `handler`, `schedule_run`, `probe`.
"""
