"""Routes that answer for several centres at once."""
