"""webapp_test.py - the countdown of the web application, in a headless Chromium; and clients that mean no good."""
import re
import socket

from program import EXAMPLES, PATIENCE, PEERS, Program, Server


def answer_to(port, request):
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as s:
        answer = b""
        try:
            s.sendall(request)
            s.shutdown(socket.SHUT_WR)
            while piece := s.recv(4096):
                answer += piece
        except OSError:
            pass  # reset, which is an answer too
        return answer


def status_of(port, request):
    found = re.match(rb"HTTP/1\.1 (\d+) ", answer_to(port, request))
    return int(found.group(1)) if found else None


def in_a_browser(app):
    browser = Program("node", PEERS / "countdown_client.mjs", f"http://127.0.0.1:{app.port}/")
    browser.wait_for(r"^shown 9 8 7 6 5 4 3 2 1 0 Boom!$")
    browser.wait_for(r"^page Boom!, closed 1000$")
    browser.wait()


def hostile(app, ws_port):
    long_one = b"x" * 5000
    assert status_of(app.port, b"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + long_one + b"\r\n\r\n") == 200
    assert status_of(app.port, b"GET /" + long_one + b" HTTP/1.1\r\n\r\n") == 414
    assert status_of(app.port, b"GET /secret HTTP/1.1\r\n\r\n") == 404
    assert status_of(app.port, b"DELETE / HTTP/1.1\r\n\r\n") == 405
    for rubbish in (b"", b"\r\n\r\n", b"GET /\r\n\r\n", b"\x16\x03\x01\x02", b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
                    b"GET / HTTP/1.1\r\nA: b\r\n", b"GET / HTTP/1.1\r\n" + 200 * b"A: b\r\n" + b"\r\n",
                    4 * long_one):
        assert answer_to(app.port, rubbish) == b"", rubbish[:40]
    for rubbish in (b"", b"\x00" * 100, b"GET / HTTP/1.1\r\n\r\n", 4 * long_one):
        assert status_of(ws_port, rubbish) != 101, rubbish[:40]
    upgrade = (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
               b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    for rubbish in (b"", b"\xff" * 100, b"\x88\x80\0\0\0\0", b"\x89\x83\0\0\0\0abc", b"\x81\x03abc"):
        assert status_of(ws_port, upgrade + rubbish) == 101, rubbish


with Server(EXAMPLES / "c/webapp", 0, 0, 20) as app:
    ws_port = int(re.search(r"countdown at port (\d+)", app.seen[-1]).group(1))
    for scenario in (lambda: in_a_browser(app), lambda: hostile(app, ws_port), lambda: in_a_browser(app)):
        scenario()
    print("ok: a countdown in a browser, before and after clients that mean no good")
