"""Signing in, sessions, devices, keys."""
