"""proxies.py - proxies between a client and a server, each with a folder of its own and on free ports.

Each of nginx and haproxy stands in four ways: speaking plainly to both sides, ending the TLS of clients, besides
beginning TLS to servers (whom it verifies), and passing on whatever comes. nginx speaks TLS 1.2 where it begins it,
everything else is 1.3."""
import pathlib
import socket
import tempfile
import time

import certificates
from program import PATIENCE, Program

ATTEMPTS = 5


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Proxy:
    """Runs `command` on the configuration that `configure(folder, {front port: back port})` writes. `urls`, of `scheme`,
    lead to `backs`, in order. The proxies cannot be told to take any free port, so another is tried if one was taken."""

    def __init__(self, name, command, configure, scheme, backs):
        self.folder = tempfile.TemporaryDirectory(prefix=f"caraway-{name}-")
        for attempt in range(1, ATTEMPTS + 1):
            fronts = [free_port() for _ in backs]
            configuration = pathlib.Path(self.folder.name) / "configuration"
            configuration.write_text(configure(self.folder.name, dict(zip(fronts, backs))))
            self.program = Program(*command(self.folder.name, configuration))
            if self.serves(fronts):
                break
            if attempt == ATTEMPTS:
                raise self.program.failure("does not serve")
        self.urls = [f"{scheme}://127.0.0.1:{port}/" for port in fronts]

    def serves(self, ports):
        until = time.monotonic() + PATIENCE
        while self.program.alive() and time.monotonic() < until:
            if all(answers(port) for port in ports):
                return self.program.alive()
            time.sleep(0.02)
        return False

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        self.program.__exit__(*raised)
        self.folder.cleanup()


# {to} is http or https, {listen} and {verify} are what TLS takes on either side.
NGINX = """
daemon off;
user root;
worker_processes 1;
pid {folder}/pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  {servers}
}}
"""
NGINX_SERVER = """
  server {{
    listen 127.0.0.1:{front} {listen};
    location / {{
      proxy_pass {to}://127.0.0.1:{back};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $http_host;
      proxy_read_timeout 1h;
      proxy_buffering off;
      {verify}
    }}
  }}
"""
NGINX_LISTEN = """ssl http2;
    ssl_certificate {certificate};
    ssl_certificate_key {key}"""
NGINX_OLD = """;
    ssl_protocols TLSv1.2;
    proxy_ssl_protocols TLSv1.2"""
NGINX_VERIFY = """proxy_ssl_verify on;
      proxy_ssl_verify_depth 2;
      proxy_ssl_trusted_certificate {authority};
      proxy_ssl_name localhost;
      proxy_ssl_server_name on;"""
NGINX_STREAM = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
user root;
worker_processes 1;
pid {folder}/pid;
error_log stderr warn;
events {{ worker_connections 256; }}
stream {{
  {servers}
}}
"""
NGINX_STREAM_SERVER = "server {{ listen 127.0.0.1:{front}; proxy_pass 127.0.0.1:{back}; }}\n"

HAPROXY = """
defaults
  mode {mode}
  timeout connect 10s
  timeout client 1h
  timeout server 1h
{servers}
"""
HAPROXY_SERVER = """
listen to_{back}
  bind 127.0.0.1:{front} {bind}
  server only 127.0.0.1:{back} {verify}
"""
HAPROXY_BIND = "ssl crt {both} alpn h2,http/1.1"
HAPROXY_VERIFY = "ssl verify required ca-file {authority} sni str(localhost) verifyhost localhost alpn http/1.1"


def certificates_in(folder):
    """What templates call the files of TLS; `both` is certificate and key in one, as haproxy wants it."""
    if certificates.FOLDER is None:
        return {}
    certificate, key = certificates.files("server")
    both = pathlib.Path(folder) / "both.pem"
    both.write_bytes(pathlib.Path(certificate).read_bytes() + pathlib.Path(key).read_bytes())
    return {"certificate": certificate, "key": key, "both": both, "authority": certificates.AUTHORITY}


def configuration(frame, server, **words):
    def write(folder, ports):
        files = certificates_in(folder)
        filled = {name: template.format(**files) for name, template in words.items()}
        servers = "".join(server.format(front=front, back=back, **filled) for front, back in ports.items())
        return frame.format(folder=folder, servers=servers, **filled)

    return write


def run_nginx(backs, scheme="ws", frame=NGINX, server=NGINX_SERVER, listen="", to="http", verify=""):
    return Proxy("nginx", lambda folder, path: ("/usr/sbin/nginx", "-p", folder, "-e", "stderr", "-c", path),
                 configuration(frame, server, listen=listen, to=to, verify=verify), scheme, backs)


def nginx(backs):
    return run_nginx(backs)


def nginx_ending_tls(backs):
    return run_nginx(backs, scheme="wss", listen=NGINX_LISTEN)


def nginx_ending_and_beginning_tls(backs):
    return run_nginx(backs, scheme="wss", listen=NGINX_LISTEN + NGINX_OLD, to="https", verify=NGINX_VERIFY)


def nginx_passing_tls_on(backs):
    return run_nginx(backs, scheme="wss", frame=NGINX_STREAM, server=NGINX_STREAM_SERVER)


def run_haproxy(backs, scheme="ws", mode="http", bind="", verify=""):
    return Proxy("haproxy", lambda folder, path: ("/usr/sbin/haproxy", "-db", "-q", "-f", path),
                 configuration(HAPROXY, HAPROXY_SERVER, mode=mode, bind=bind, verify=verify), scheme, backs)


def haproxy(backs):
    return run_haproxy(backs)


def haproxy_ending_tls(backs):
    return run_haproxy(backs, scheme="wss", bind=HAPROXY_BIND)


def haproxy_ending_and_beginning_tls(backs):
    return run_haproxy(backs, scheme="wss", bind=HAPROXY_BIND, verify=HAPROXY_VERIFY)


def haproxy_passing_tls_on(backs):
    return run_haproxy(backs, scheme="wss", mode="tcp")
