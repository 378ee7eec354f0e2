"""haproxy_test.py - haproxy between clients and servers, theirs and ours."""
from exchange import their_client, their_server
from program import OURS, PEERS
from proxies import haproxy

their_client("node", PEERS / "ws_client.mjs", proxy=haproxy)
their_client("/usr/bin/python3", PEERS / "python_client.py", proxy=haproxy)
their_client(OURS / "nhooyr_peer", "client", proxy=haproxy)
their_client("node", PEERS / "chromium_client.mjs", proxy=haproxy)
their_server("node", PEERS / "ws_server.mjs", proxy=haproxy)
their_server(OURS / "gorilla_peer", "server", proxy=haproxy)
