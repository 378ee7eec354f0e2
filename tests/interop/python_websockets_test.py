"""python_websockets_test.py - Python's websockets, both directions."""
from exchange import their_client, their_server
from program import PEERS

their_client("/usr/bin/python3", PEERS / "python_client.py")
their_server("/usr/bin/python3", "-u", PEERS / "python_server.py")
