"""What comes back: receipts (回执) and replies (上行短信)."""
