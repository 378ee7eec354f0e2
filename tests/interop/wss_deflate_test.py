"""wss_deflate_test.py - compressed messages over TLS, both directions."""
import certificates
from exchange import their_client, their_server
from program import OURS, PEERS

DEFLATE = {"DEFLATE": "1"}
BOTH = "takeover: ours yes, theirs yes"
NEITHER = "takeover: ours no, theirs no"

for client in (("node", PEERS / "ws_client.mjs"), ("/usr/bin/python3", PEERS / "python_client.py"),
               (OURS / "gorilla_peer", "client")):
    their_client(*client, options=["--deflate", *certificates.options("server")], environment=DEFLATE)
for server, agreed in ((("node", PEERS / "ws_server.mjs"), BOTH),
                       (("/usr/bin/python3", "-u", PEERS / "python_server.py"), BOTH),
                       ((OURS / "gorilla_peer", "server"), NEITHER)):
    their_server(*server, options=["--deflate"], environment={**DEFLATE, **certificates.environment("server")},
                 agreed=agreed)
