"""deflate_test.py - compressed messages with everybody who can, both directions where the peer has both."""
import os

from exchange import their_client, their_server
from program import PEERS

# The peers compress, or insist that we do.
os.environ["DEFLATE"] = "1"
OPTIONS = ["--deflate"]

their_client("node", PEERS / "ws_client.mjs", options=OPTIONS)
their_server("node", PEERS / "ws_server.mjs", options=OPTIONS)
their_client("/usr/bin/python3", PEERS / "python_client.py", options=OPTIONS)
their_server("/usr/bin/python3", "-u", PEERS / "python_server.py", options=OPTIONS)
their_client("node", PEERS / "undici_client.mjs", options=OPTIONS)
their_client("node", PEERS / "chromium_client.mjs", options=OPTIONS)
