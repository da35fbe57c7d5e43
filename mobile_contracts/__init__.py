"""Everything that travels: HTTP bodies, WebSocket frames, queue messages, events, each an msgspec Struct.

Owns no table and imports nothing of the house.
"""
