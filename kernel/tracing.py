"""OpenTelemetry, when a collector is configured; otherwise nothing is loaded and nothing is sent."""


def traceparent() -> str | None:
    """The W3C traceparent of what runs now, null when it is not traced."""
    return None
