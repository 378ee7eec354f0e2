"""nhooyr_test.py - Go's nhooyr.io/websocket, both directions."""
from exchange import their_client, their_server
from program import OURS

their_client(OURS / "nhooyr_peer", "client")
their_server(OURS / "nhooyr_peer", "server")
