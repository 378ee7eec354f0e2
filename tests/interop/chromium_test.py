"""chromium_test.py - a page in a headless Chromium."""
from exchange import their_client
from program import PEERS

their_client("node", PEERS / "chromium_client.mjs")
