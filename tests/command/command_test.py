"""command_test.py - the caraway command as a shell sees it: help, pipes, a terminal, exit statuses."""
import base64
import contextlib
import hashlib
import os
import pathlib
import pty
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

TOOL = sys.argv[1]
# The folder of the certificates, in builds with TLS.
CERTIFICATES = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
PATIENCE = 60


def run(*arguments, feed=""):
    done = subprocess.run([TOOL, *arguments], input=feed, capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr


@contextlib.contextmanager
def server(*arguments):
    """An echo server; its URL. It must end well when it is asked to."""
    with server_process(*arguments) as (url, _):
        yield url


@contextlib.contextmanager
def server_process(*arguments):
    process = subprocess.Popen([TOOL, "serve", "--echo", "--listen", "127.0.0.1:0", *arguments],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        yield re.fullmatch(r"listening on (wss?://127\.0\.0\.1:\d+/)\n", line).group(1), process
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0, "a server that is asked to stop exits with 0"
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def one_shot(conversation):
    """A TCP server of our own for one client; its ws:// URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            client, _ = listener.accept()
            with client:
                conversation(client)
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join(PATIENCE)


def help_and_usage():
    for arguments in ((), ("serve",), ("connect",)):
        status, out, _ = run(*arguments, "--help")
        assert status == 0 and "Usage" in out, out
    assert "4" in run("--help")[1], "the help lists the exit statuses"
    for wrong in (("fly",), ("serve", "--no-such-flag"), ("connect",), ("serve",)):
        status, _, err = run(*wrong)
        assert status == 1 and err != "", (wrong, status, err)


def lines_in_messages_out():
    with server() as url:
        feed = "".join(f"line {i}\n" for i in range(500))
        status, out, err = run("connect", url, feed=feed)
        assert (status, out) == (0, feed), (status, len(out), err)
        assert "closed: 1000" in err, err
        status, out, err = run("connect", "--quiet", url, feed="no newline at the end")
        assert (status, out, err) == (0, "no newline at the end\n", ""), (status, out, err)


def a_terminal():
    with server() as url:
        main, other = pty.openpty()
        process = subprocess.Popen([TOOL, "connect", url], stdin=other, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        os.close(other)
        os.write(main, b"typed\n")
        assert process.stdout.readline() == "typed\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
        os.close(main)
        assert process.returncode == 0 and "closed: 1000" in err, (process.returncode, err)


def nobody_there():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        status, _, err = run("connect", f"ws://127.0.0.1:{taken.getsockname()[1]}/")
        assert status == 2 and "refused" in err.lower(), (status, err)
    status, _, err = run("connect", "not a url")
    assert status in (1, 2) and err != "", (status, err)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, _, err = run("serve", "--echo", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
        assert status == 2 and "listen" in err, (status, err)


def a_refusal():
    def refuse(client):
        client.recv(4096)
        client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nnot today")
    with one_shot(refuse) as url:
        status, _, err = run("connect", url)
        assert status == 3 and "403" in err, (status, err)


def shake_hands(client):
    request = client.recv(4096).decode()
    key = re.search(r"Sec-WebSocket-Key: (\S+)", request).group(1)
    accept = base64.b64encode(hashlib.sha1(
        (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    client.sendall(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").encode())


def connect_silently(url):
    """Connects from a terminal at which nobody types."""
    main, other = pty.openpty()
    done = subprocess.run([TOOL, "connect", url], stdin=other, capture_output=True, text=True,
                          timeout=PATIENCE)
    os.close(main)
    os.close(other)
    return done


def an_abrupt_end():
    with one_shot(shake_hands) as url:
        done = connect_silently(url)
        assert done.returncode == 4 and "1006" in done.stderr, (done.returncode, done.stderr)


def a_close_with_a_code_and_a_reason():
    def say_goodbye(client):
        shake_hands(client)
        payload = (4001).to_bytes(2, "big") + b"bye"
        client.sendall(bytes([0x88, len(payload)]) + payload)
        while client.recv(4096):
            pass
    with one_shot(say_goodbye) as url:
        done = connect_silently(url)
        assert done.returncode == 4, (done.returncode, done.stderr)
        assert "4001" in done.stderr and "bye" in done.stderr, done.stderr


def secure():
    ca = CERTIFICATES / "authority.pem"
    pair = ("--tls-cert", CERTIFICATES / "server.pem", "--tls-key", CERTIFICATES / "server.key")
    with server(*pair) as url:
        status, out, err = run("connect", "-q", "--ca", ca, url, feed="hello\n")
        assert (status, out, err) == (0, "hello\n", ""), (status, out, err)
        status, out, err = run("connect", "-q", "--insecure", url, feed="hello\n")
        assert (status, out, err) == (0, "hello\n", ""), (status, out, err)
        status, _, err = run("connect", url, feed="hello\n")
        assert status == 2 and "unable to get local issuer certificate" in err, (status, err)


def a_certificate_read_again():
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "both.pem"

        def put(name):
            file.write_bytes(b"".join((CERTIFICATES / f"{name}.{end}").read_bytes() for end in ("pem", "key")))

        put("stranger")
        with server_process("--tls-cert", file) as (url, process):
            connect = ("connect", "-q", "--ca", CERTIFICATES / "authority.pem", url)
            assert run(*connect)[0] == 2
            file.write_text("nothing")
            process.send_signal(signal.SIGHUP)
            line = process.stderr.readline()
            assert "not read again: no start line" in line, line
            put("server")
            process.send_signal(signal.SIGHUP)
            line = process.stderr.readline()
            assert line.endswith("was read again\n"), line
            status, out, err = run(*connect, feed="hello\n")
            assert (status, out) == (0, "hello\n"), (status, out, err)


def without_descriptors(process):
    """Lets a program open no more files; what its limits were."""
    taken = {int(fd) for fd in os.listdir(f"/proc/{process.pid}/fd")}
    free = next(n for n in range(len(taken) + 1) if n not in taken)
    before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (free, before[1]))
    return before


def a_certificate_read_again_once_there_is_a_descriptor_for_it():
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "both.pem"
        both = b"".join((CERTIFICATES / f"server.{end}").read_bytes() for end in ("pem", "key"))
        file.write_bytes(both)
        with server_process("--tls-cert", file) as (url, process):
            def said_after_hangup():
                process.send_signal(signal.SIGHUP)
                return process.stderr.readline()

            # UBSan opens a pipe to look at objects of types that it has not seen: let it see all of them.
            assert run("connect", "-q", "--insecure", url, feed="hello\n")[0] == 0
            file.unlink()
            line = said_after_hangup()
            assert line.endswith("not read again: No such file or directory\n"), line
            file.write_bytes(both)
            for _ in range(2):
                before = without_descriptors(process)
                line = said_after_hangup()
                assert "not read again: Too many open files; trying on" in line, line
                resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
                line = process.stderr.readline()
                assert line.endswith("was read again\n"), line


def certificates_that_are_of_no_use():
    status, _, err = run("serve", "--echo", "--tls-cert", "/nonexistent")
    assert status == 1 and "No such file" in err, (status, err)
    status, _, err = run("connect", "--ca", "/dev/null", "wss://127.0.0.1:1/")
    assert status == 1 and "no start line" in err, (status, err)
    assert run("serve", "--echo", "--tls-key", "/nonexistent")[0] == 1


def numbers_for_prometheus():
    with server_process("--metrics", "127.0.0.1:0") as (url, process):
        page = re.fullmatch(r"metrics on (http://127\.0\.0\.1:\d+/metrics)\n", process.stdout.readline()).group(1)
        assert run("connect", url, feed="12345\n")[0] == 0
        for _ in range(PATIENCE * 20):
            with urllib.request.urlopen(page, timeout=PATIENCE) as answer:
                kind, text = answer.headers["Content-Type"], answer.read().decode()
            if "\ncaraway_websocket_connections 0\n" in text:
                break
            time.sleep(0.05)
        assert kind == "text/plain; version=0.0.4; charset=utf-8", kind
        for line in ("connections 0", "connections_opened_total 1", "messages_received_total 1",
                     "sent_bytes_total 5", 'closes_total{code="1000"} 1'):
            assert f"\ncaraway_websocket_{line}\n" in text, (line, text)
        for method, path, status in (("POST", "/metrics", 405), ("GET", "/", 404)):
            try:
                urllib.request.urlopen(urllib.request.Request(page[:-len("/metrics")] + path, method=method))
                raise AssertionError(f"{method} {path} is answered with a page")
            except urllib.error.HTTPError as refusal:
                assert refusal.code == status, refusal
    assert run("serve", "--echo", "--listen", "127.0.0.1:0", "--metrics", "nowhere")[0] == 2


scenarios = [help_and_usage, lines_in_messages_out, a_terminal, nobody_there, a_refusal, an_abrupt_end,
             a_close_with_a_code_and_a_reason, numbers_for_prometheus]
if CERTIFICATES:
    scenarios += [secure, a_certificate_read_again,
                  a_certificate_read_again_once_there_is_a_descriptor_for_it, certificates_that_are_of_no_use]
for scenario in scenarios:
    scenario()
    print(f"ok: {scenario.__name__.replace('_', ' ')}")
