"""Who may see which rows, and fields that are sealed."""
