"""Our own SMTP sender: the default consumer of the e-mail queues, a gateway like those of others.

Owns the tables `email_attempt`, `email_deferred`.
"""
