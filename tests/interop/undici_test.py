"""undici_test.py - the client behind Node's own WebSocket."""
from exchange import their_client
from program import PEERS

their_client("node", PEERS / "undici_client.mjs")
