"""The organisation, its people, their roles."""
