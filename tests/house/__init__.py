"""The house rules as tests: each reads the project itself, and each is shown to be able to fail."""
