"""How jobs are moved and done: relay, broker, children, schedule, and what keeps them alive."""
