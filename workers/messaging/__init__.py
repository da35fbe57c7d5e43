"""What is sent: broadcasts, reminders, one-time codes, and what gateways hold."""
