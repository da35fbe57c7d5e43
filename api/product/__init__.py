"""Routes of the product centre."""
