"""wss_openssl_test.py - `openssl s_client` looks at our server: versions, protocols, names, and how TLS ends."""
import subprocess
import tempfile

import certificates
from exchange import greet
from program import PATIENCE, echo_server

REQUEST = (b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
# Masks of zeros change nothing.
HELLO = b"\x81\x85\0\0\0\0hello"
CLOSE = b"\x88\x82\0\0\0\0\x03\xe8"
ANSWERS = b"\r\n\r\n\x81\x05hello\x88\x02\x03\xe8"
VERSIONS = {"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}


def s_client(server, *options, feed=b""):
    """Its exit status, what came, and what it complained of. It goes on until the server has ended."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", "localhost",
                           "-verify_hostname", "localhost", "-verify_return_error", "-CAfile", certificates.AUTHORITY,
                           *options], input=feed, capture_output=True, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr.decode()


def what_is_agreed(server):
    for option, version in VERSIONS.items():
        _, out, complaints = s_client(server, option, "-alpn", "h2,http/1.1")
        for line in (b"Verification: OK", b"ALPN protocol: http/1.1", f"New, {version}, Cipher is ".encode()):
            assert line in out, (line, out, complaints)
        # A client that offers no protocol is none the worse for it.
        _, out, complaints = s_client(server, option)
        assert b"No ALPN negotiated" in out and b"Verification: OK" in out, (out, complaints)


def what_is_refused(server):
    for options, alert, ours in [
        (("-alpn", "h2"), "no application protocol", "no application protocol"),
        (("-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"), "protocol version", "unsupported protocol"),
        (("-tls1_2", "-cipher", "AES128-SHA"), "handshake failure", "no shared cipher"),
    ]:
        status, _, complaints = s_client(server, *options)
        assert status != 0 and f"alert {alert}" in complaints, (status, complaints)
        server.wait_for(rf"^127\.0\.0\.1:\d+: TLS handshake: {ours}$")


# The conversation ends in order, then TLS does, from both sides, then the connection.
def how_it_ends(server):
    for option in VERSIONS:
        with tempfile.NamedTemporaryFile() as log:
            status, out, complaints = s_client(server, option, "-quiet", "-msg", "-msgfile", log.name,
                                               feed=REQUEST + HELLO + CLOSE)
            assert status == 0 and out.startswith(b"HTTP/1.1 101 ") and out.endswith(ANSWERS), (status, out, complaints)
            alerts = [line.split()[0] + b" " + line.split()[-1] for line in log if b", Alert " in line]
        assert alerts == [b"<<< close_notify", b">>> close_notify"], alerts


with echo_server(*certificates.options("server")) as server:
    before = server.descriptors_at_rest()
    for case in (what_is_agreed, what_is_refused, how_it_ends):
        case(server)
        greet(server.url)
        print(f"ok: {case.__name__.replace('_', ' ')}")
    server.settles_at(before)
