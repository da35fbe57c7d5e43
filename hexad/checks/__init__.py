"""What `hexad doctor` looks at, one module for each place: this host, the database, the flow of events.

Owns no table.
"""
