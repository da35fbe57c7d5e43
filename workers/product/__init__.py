"""Subscriptions and advisers' views, and the advisory platform (投顾平台)."""
