"""nginx_test.py - nginx between clients and servers, theirs and ours."""
from exchange import their_client, their_server
from program import OURS, PEERS
from proxies import nginx

their_client("node", PEERS / "ws_client.mjs", proxy=nginx)
their_client("/usr/bin/python3", PEERS / "python_client.py", proxy=nginx)
their_client(OURS / "nhooyr_peer", "client", proxy=nginx)
their_client("node", PEERS / "chromium_client.mjs", proxy=nginx)
their_server("node", PEERS / "ws_server.mjs", proxy=nginx)
their_server(OURS / "gorilla_peer", "server", proxy=nginx)
