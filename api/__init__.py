"""The HTTP API: `<centre>/<noun>.py`, each route with its permission; `edge/` is what every request passes.

Owns the table `idempotency`.
"""
