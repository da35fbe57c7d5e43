"""The WebSocket server: what phones and terminals see at once; frames are in `mobile_contracts/frame.py`.

Owns no table. `session.py` decides and touches nothing; `connection.py` and `hub.py` do what it decided.
"""
