"""wss_test.py - everybody over TLS, both directions where the peer has both. Both sides verify whom they talk to, and
refuse whom they have no reason to trust."""
import certificates
from exchange import our_client_refuses, their_client, their_clients_refuse, their_server
from program import OURS, PEERS

CLIENTS = [
    ("node", PEERS / "ws_client.mjs"),
    ("node", PEERS / "undici_client.mjs"),
    ("/usr/bin/python3", PEERS / "python_client.py"),
    (OURS / "gorilla_peer", "client"),
    (OURS / "nhooyr_peer", "client"),
    ("node", PEERS / "chromium_client.mjs"),
]
SERVERS = [
    ("node", PEERS / "ws_server.mjs"),
    ("/usr/bin/python3", "-u", PEERS / "python_server.py"),
    (OURS / "gorilla_peer", "server"),
    (OURS / "nhooyr_peer", "server"),
]

for client in CLIENTS:
    their_client(*client, options=certificates.options("server"))
their_clients_refuse(CLIENTS)
for server in SERVERS:
    their_server(*server, environment=certificates.environment("server"))
    our_client_refuses(*server)
