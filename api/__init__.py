"""The HTTP API: one file per noun, each route with its permission; `edge/` is what every request passes through.

Owns the table `idempotency`.
"""
