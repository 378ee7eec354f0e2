"""deflate_test.py - compressed messages with everybody who can, both directions where the peer has both, and through
proxies."""
from exchange import their_client, their_server
from program import OURS, PEERS
from proxies import haproxy, nginx

# The peers compress, or insist that we do.
DEFLATE = {"DEFLATE": "1"}
TAKEOVER = {"DEFLATE": "1", "TAKEOVER": "1"}
BOTH = "takeover: ours yes, theirs yes"
NEITHER = "takeover: ours no, theirs no"


def client(*command, environment=DEFLATE, proxy=None):
    their_client(*command, options=["--deflate"], environment=environment, proxy=proxy)


def server(*command, agreed, options=("--deflate",), environment=DEFLATE, proxy=None):
    their_server(*command, options=options, environment=environment, agreed=agreed, proxy=proxy)


gorilla = OURS / "gorilla_peer"
nhooyr = OURS / "nhooyr_peer"

client("node", PEERS / "ws_client.mjs")
server("node", PEERS / "ws_server.mjs", agreed=BOTH)
client("/usr/bin/python3", PEERS / "python_client.py")
server("/usr/bin/python3", "-u", PEERS / "python_server.py", agreed=BOTH)
client("node", PEERS / "undici_client.mjs")
client("node", PEERS / "chromium_client.mjs")

# Knows nothing of takeover, and says so whatever we offer.
client(gorilla, "client")
server(gorilla, "server", agreed=NEITHER)
# Its clients offer what its servers agree to.
client(nhooyr, "client")
server(nhooyr, "server", agreed=NEITHER)
client(nhooyr, "client", environment=TAKEOVER)
server(nhooyr, "server", environment=TAKEOVER, agreed=BOTH)
server(nhooyr, "server", environment=TAKEOVER, options=["--no-takeover"], agreed=NEITHER)

for proxy in (nginx, haproxy):
    client(gorilla, "client", proxy=proxy)
    server(gorilla, "server", proxy=proxy, agreed=NEITHER)
    client(nhooyr, "client", environment=TAKEOVER, proxy=proxy)
    server(nhooyr, "server", environment=TAKEOVER, proxy=proxy, agreed=BOTH)
