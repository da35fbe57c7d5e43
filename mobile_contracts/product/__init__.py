"""Products, subscriptions, and the advisory platform."""
