"""Messages inside the app (站内信)."""
