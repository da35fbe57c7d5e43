"""What answers for several centres at once."""
