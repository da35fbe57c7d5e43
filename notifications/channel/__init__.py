"""What a channel asks of a message, whoever sends it."""
