"""Routes of what is sent: broadcasts, templates, consent, suppressions, notices, gateways."""
