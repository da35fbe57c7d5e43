"""Who is told what, and how it leaves: templates, consent, quiet hours, and the channels SMS, e-mail, push, in-app.

Its queues are named in `kernel/queues`, its messages in `mobile_contracts/messaging/outbound.py`.
Owns the tables `notice`, `template`, `template_version`, `consent`, `suppression`, `broadcast`,
`broadcast_count`, `bounce_tally`, `outgoing`, `receipt`, `inbound`, `reminder_rule`, `reminder` and `sending_rate`.
"""
