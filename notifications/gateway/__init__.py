"""The far side of the outbound queues as we meet it over HTTP: who a gateway is, what it signs, what it holds.

Owns the tables `gateway_signature`, `sms_lease`, `sms_leased`.
"""
