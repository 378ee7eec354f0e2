"""gorilla_test.py - Go's gorilla/websocket, both directions."""
from exchange import their_client, their_server
from program import OURS

their_client(OURS / "gorilla_peer", "client")
their_server(OURS / "gorilla_peer", "server")
