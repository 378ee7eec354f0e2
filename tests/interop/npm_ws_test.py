"""npm_ws_test.py - npm ws, both directions."""
from exchange import their_client, their_server
from program import PEERS

their_client("node", PEERS / "ws_client.mjs")
their_server("node", PEERS / "ws_server.mjs")
