"""io_uring_test.py - everybody once more, both directions where the peer has both, while our side waits by io_uring."""
import os

from exchange import their_client, their_server
from program import OURS, PEERS, echo_server

os.environ["CARAWAY_POLLER"] = "io_uring"

# Where the kernel does not allow it the default is used, and nothing would be tested.
with echo_server() as server:
    server.descriptors_at_rest()
    assert "anon_inode:[io_uring]" in server.open_files(), server.open_files()

for client in (("node", PEERS / "ws_client.mjs"), ("node", PEERS / "undici_client.mjs"),
               ("/usr/bin/python3", PEERS / "python_client.py"), (OURS / "gorilla_peer", "client"),
               (OURS / "nhooyr_peer", "client"), ("node", PEERS / "chromium_client.mjs")):
    their_client(*client)
for server in (("node", PEERS / "ws_server.mjs"), ("/usr/bin/python3", "-u", PEERS / "python_server.py"),
               (OURS / "gorilla_peer", "server"), (OURS / "nhooyr_peer", "server")):
    their_server(*server)
