"""What is sent to people, and what gateways say of it."""
