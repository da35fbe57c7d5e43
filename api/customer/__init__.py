"""Routes of the customer centre."""
