"""Text about people: normalised, masked, kept out of logs; and what a client prefers to read."""
