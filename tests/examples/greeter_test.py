"""greeter_test.py - the greeter talks to several clients at the same time and counts them."""
import re
import socket
import subprocess
import sys

PATIENCE = 60


def read_line(client):
    line = b""
    while not line.endswith(b"\r\n"):
        piece = client.recv(1)
        assert piece != b"", f"the connection ended after {line!r}"
        line += piece
    return line.decode()


def main():
    process = subprocess.Popen([f"{sys.argv[1]}/greeter", "0", "3"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(re.fullmatch(r"Listening at port (\d+)\n", process.stdout.readline()).group(1))
        clients = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(3)]
        for client in clients:
            assert read_line(client) == "What's your name?\r\n"
        clients[0].close()
        for client, name in reversed(list(zip(clients, ("", "Alice", "Bartholomew")))[1:]):
            client.sendall(f"{name}\r\n".encode())
            assert read_line(client) == f"Hello, {name}!\r\n"
            assert client.recv(1) == b""
            client.close()
        out, _ = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out) == (0, "3 came\n2 were greeted\n1 failed\n"), (process.returncode, out)
    finally:
        process.kill()
        process.wait()


main()
