"""socks5_test.py - curl and our wget through our SOCKS5 proxy, and clients that mean no good."""
import os
import socket
import subprocess

from program import EXAMPLES, PATIENCE, Server
from web import TEXT, secure_site, site

PROXY = EXAMPLES / "c/socks5proxy"
WGET = EXAMPLES / "c/wget"


def run(*command, **environment):
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=PATIENCE,
                          env={"PATH": os.environ["PATH"], **environment})
    return done.returncode, done.stdout, done.stderr.decode()


def curl(proxy, url, *options):
    return run("curl", "--silent", "--show-error", *options, "--proxy", proxy, url)


def talk(port, *bytes_sent):
    """What the proxy answers, all in all."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as s:
        answer = b""
        try:
            for b in bytes_sent:
                s.sendall(b)
            s.shutdown(socket.SHUT_WR)
            while piece := s.recv(4096):
                answer += piece
        except OSError:
            pass  # reset, which is an answer too
        return answer


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def open_proxy(url):
    with Server(PROXY, 0) as proxy:
        for scheme in ("socks5", "socks5h"):
            status, out, err = curl(f"{scheme}://127.0.0.1:{proxy.port}", f"{url}/counted")
            assert (status, out) == (0, TEXT), (status, len(out), err)
        by_name = url.replace("127.0.0.1", "localhost")
        status, out, err = curl(f"socks5h://127.0.0.1:{proxy.port}", f"{by_name}/chunked")
        assert (status, out) == (0, TEXT), (status, len(out), err)
        for path in ("/counted", "/chunked", "/to-the-end"):
            status, out, err = run(WGET, url + path, "127.0.0.1", proxy.port)
            assert (status, out) == (0, TEXT), (path, status, len(out), err)
        status, _, err = curl(f"socks5h://127.0.0.1:{proxy.port}", f"http://127.0.0.1:{free_port()}/")
        assert status == 97 and "(5)" in err, (status, err)
        status, _, err = run(WGET, f"http://127.0.0.1:{free_port()}/", "127.0.0.1", proxy.port)
        assert status == 1 and "refused" in err, (status, err)
        hostile(proxy)
        status, out, err = curl(f"socks5h://127.0.0.1:{proxy.port}", f"{url}/counted")
        assert (status, out) == (0, TEXT), (status, len(out), err)


def hostile(proxy):
    hello = b"\x05\x01\x00"
    before = proxy.descriptors()
    assert talk(proxy.port) == b""
    assert talk(proxy.port, b"\x04\x01") == b""
    assert talk(proxy.port, b"GET / HTTP/1.1\r\n\r\n") == b""
    assert talk(proxy.port, b"\x05\x01\x02") == b"\x05\xff"
    assert talk(proxy.port, hello, b"\x05\x01\x00\x01\x7f") == b"\x05\x00"
    assert talk(proxy.port, hello, b"\x05\x09\x00\x01\x7f\0\0\1\0\1") == b"\x05\x00\x05\x07\0\1\0\0\0\0\0\0"
    assert talk(proxy.port, hello, b"\x05\x02\x00\x01\x7f\0\0\1\0\1") == b"\x05\x00\x05\x07\0\1\0\0\0\0\0\0"
    assert talk(proxy.port, hello, b"\x05\x01\x00\x09\x7f\0\0\1\0\1") == b"\x05\x00\x05\x08\0\1\0\0\0\0\0\0"
    assert talk(proxy.port, hello, b"\x05\x01\x00\x03\x03a\0b\0\1") == b"\x05\x00\x05\x01\0\1\0\0\0\0\0\0"
    for _ in range(20):  # gone in the middle
        with socket.create_connection(("127.0.0.1", proxy.port)) as s:
            s.sendall(hello)
    proxy.settles_at(before)


def proxy_with_a_password(url):
    with Server(PROXY, 0, "ann", "secret") as proxy:
        at = f"127.0.0.1:{proxy.port}"
        status, out, err = curl(f"socks5h://ann:secret@{at}", f"{url}/counted")
        assert (status, out) == (0, TEXT), (status, len(out), err)
        for wrong in ("ann:wrong@", "bob:secret@", ""):
            status, out, err = curl(f"socks5h://{wrong}{at}", f"{url}/counted")
            assert (status, out) == (97, b""), (wrong, status, err)
        status, out, err = run(WGET, f"{url}/counted", "127.0.0.1", proxy.port, "ann", "secret")
        assert (status, out) == (0, TEXT), (status, len(out), err)
        status, _, err = run(WGET, f"{url}/counted", "127.0.0.1", proxy.port, "ann", "wrong")
        assert status == 1 and "denied" in err, (status, err)


def without_a_proxy(url):
    for path in ("/counted", "/chunked", "/to-the-end"):
        status, out, err = run(WGET, url + path)
        assert (status, out) == (0, TEXT), (path, status, len(out), err)
    status, out, err = run(WGET, f"{url}/counted")
    assert "103: Early Hints\nLink: </style.css>\n200: OK\n" in err and "Content-Length: " in err, err
    assert run(WGET, f"{url}/empty")[:2] == (0, b"")
    assert run(WGET, f"{url}/missing")[:2] == (1, b"nothing")
    assert run(WGET, url)[0] == 1
    for wrong in ((), ("ftp://a/",), ("http://",), (url, "127.0.0.1")):
        assert run(WGET, *wrong)[0] == 2, wrong


def over_tls(_):
    with Server(PROXY, 0) as proxy, secure_site() as (port, cert):
        for way in ((), ("127.0.0.1", proxy.port)):
            # The last one ends with its connection, and this server says no close_notify.
            for path in ("/counted", "/chunked", "/to-the-end"):
                url = f"https://localhost:{port}{path}"
                status, out, err = run(WGET, url, *way, CARAWAY_TLS_CA_FILE=str(cert))
                assert (status, out) == (0, TEXT), (path, status, len(out), err)
            status, out, err = run(WGET, url, *way)
            assert (status, out) == (1, b"") and "TLS: " in err, (status, err)
            url = f"https://127.0.0.1:{port}/chunked"
            status, out, err = run(WGET, url, *way, CARAWAY_TLS_CA_FILE=str(cert))
            assert (status, out) == (1, b"") and "TLS: " in err, (status, err)


with site() as url:
    for scenario in (without_a_proxy, open_proxy, proxy_with_a_password, over_tls):
        scenario(url)
        print(f"ok: {scenario.__name__.replace('_', ' ')}")
