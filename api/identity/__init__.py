"""Signing in and what is one's own there: passwords, codes, sessions, devices, single sign-on."""
