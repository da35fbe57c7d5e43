"""The audit log (审计日志): sealed, anchored, searched."""
