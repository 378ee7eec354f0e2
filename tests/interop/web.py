"""web.py - a small web server for tests, in a thread of the test: /counted, /chunked, /to-the-end, /empty; also over TLS."""
import contextlib
import http.server
import pathlib
import ssl
import subprocess
import tempfile
import threading

TEXT = bytes(range(256)) * 300


class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/counted":
            self.answer(200, {"Content-Length": str(len(TEXT))}, TEXT)
        elif self.path == "/chunked":
            pieces = [TEXT[:1], TEXT[1:70000], TEXT[70000:]]
            body = b"".join(b"%x;note=1\r\n%s\r\n" % (len(p), p) for p in pieces)
            self.answer(200, {"Transfer-Encoding": "chunked"}, body + b"0\r\nTrailer: x\r\n\r\n")
        elif self.path == "/to-the-end":
            self.answer(200, {"Connection": "close"}, TEXT)
        elif self.path == "/empty":
            self.answer(204, {}, b"")
        else:
            self.answer(404, {"Content-Length": "7"}, b"nothing")

    def answer(self, status, fields, body):
        if self.path == "/counted":
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """Clients that reset the connection are none."""


@contextlib.contextmanager
def site():
    """The URL of the server, without a slash at the end."""
    with Server(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextlib.contextmanager
def secure_site():
    """The same over TLS: its port, and the file with its certificate, which is for localhost only."""
    with tempfile.TemporaryDirectory() as folder:
        cert, key = pathlib.Path(folder, "cert.pem"), pathlib.Path(folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", key, "-out", cert], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        with Server(("127.0.0.1", 0), Site) as server:
            server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield server.server_port, cert
            server.shutdown()
