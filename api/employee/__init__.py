"""Routes of the employee centre: the organisation, its people, their roles."""
