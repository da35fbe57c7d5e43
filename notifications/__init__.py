"""Who is told what, and how it leaves: templates, consent, quiet hours, and the channels SMS, e-mail, push, in-app.

Comes with reminders and care; its queues are named in `kernel/queues`, its messages in `mobile_contracts/outbound.py`.
Owns the tables `device`, `notice` and `one_time_code` (with `api/auth`).
"""
