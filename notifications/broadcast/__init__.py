"""Broadcasts (群发): from one wish to many messages, handed over within hours and rates, and ended."""
