"""Tests of realtime/: the session without sockets, the node as a real process with real clients."""
