"""Who may be told what: consent (同意), suppressions (停发), and the ways to end messages (退订)."""
