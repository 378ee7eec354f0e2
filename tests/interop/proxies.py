"""proxies.py - proxies between a client and a server, each with a folder of its own and on free ports."""
import pathlib
import socket
import tempfile
import time

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
    """Runs `command` on the configuration that `configure(folder, {front port: back port})` writes. `urls` lead to
    `backs`, in order. The proxies cannot be told to take any free port, so another is tried if one was taken."""

    def __init__(self, name, command, configure, backs):
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
        self.urls = [f"ws://127.0.0.1:{port}/" for port in fronts]

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
    listen 127.0.0.1:{front};
    location / {{
      proxy_pass http://127.0.0.1:{back};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $http_host;
      proxy_read_timeout 1h;
      proxy_buffering off;
    }}
  }}
"""
HAPROXY = """
defaults
  mode http
  timeout connect 10s
  timeout client 1h
  timeout server 1h
{servers}
"""
HAPROXY_SERVER = """
listen to_{back}
  bind 127.0.0.1:{front}
  server only 127.0.0.1:{back}
"""


def configuration(frame, server):
    def write(folder, ports):
        servers = "".join(server.format(front=front, back=back) for front, back in ports.items())
        return frame.format(folder=folder, servers=servers)

    return write


def nginx(backs):
    return Proxy("nginx", lambda folder, path: ("/usr/sbin/nginx", "-p", folder, "-e", "stderr", "-c", path),
                 configuration(NGINX, NGINX_SERVER), backs)


def haproxy(backs):
    return Proxy("haproxy", lambda folder, path: ("/usr/sbin/haproxy", "-db", "-q", "-f", path),
                 configuration(HAPROXY, HAPROXY_SERVER), backs)
