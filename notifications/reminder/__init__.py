"""Reminders (提醒)."""
