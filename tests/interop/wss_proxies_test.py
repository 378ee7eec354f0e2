"""wss_proxies_test.py - nginx and haproxy between clients and servers that speak TLS to them or through them."""
import certificates
import proxies
from exchange import our_client_refuses, their_client, their_server
from program import OURS, PEERS

WS_CLIENT = ("node", PEERS / "ws_client.mjs")
PYTHON_CLIENT = ("/usr/bin/python3", PEERS / "python_client.py")
NHOOYR_CLIENT = (OURS / "nhooyr_peer", "client")
CHROMIUM = ("node", PEERS / "chromium_client.mjs")
WS_SERVER = ("node", PEERS / "ws_server.mjs")
GORILLA_SERVER = (OURS / "gorilla_peer", "server")

secure_server = certificates.options("server")
secure_environment = certificates.environment("server")

for proxy in (proxies.nginx_ending_tls, proxies.haproxy_ending_tls):
    their_client(*WS_CLIENT, proxy=proxy)
    their_client(*NHOOYR_CLIENT, proxy=proxy)
    their_client(*CHROMIUM, proxy=proxy)
    their_server(*WS_SERVER, proxy=proxy)
for proxy in (proxies.nginx_ending_and_beginning_tls, proxies.haproxy_ending_and_beginning_tls):
    their_client(*PYTHON_CLIENT, proxy=proxy, options=secure_server)
    their_server(*GORILLA_SERVER, proxy=proxy, environment=secure_environment)
for proxy in (proxies.nginx_passing_tls_on, proxies.haproxy_passing_tls_on):
    their_client(*PYTHON_CLIENT, proxy=proxy, options=secure_server)
    their_server(*GORILLA_SERVER, proxy=proxy, environment=secure_environment)
    our_client_refuses(*GORILLA_SERVER, proxy=proxy)
