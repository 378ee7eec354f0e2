"""bad_peers_test.py - peers that are slow, rude or gone: the server says what is wrong, serves the others and
leaks nothing."""
import socket
import struct
import time

from program import echo_server

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
HEAD = (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
MASK = b"\x12\x34\x56\x78"


def frame(opcode, payload=b"", fin=True, reserved=0, mask=MASK, length=None):
    length = len(payload) if length is None else length
    first = bytes([(0x80 if fin else 0) | reserved | opcode])
    masked = 0x80 if mask else 0
    if length < 126:
        size = bytes([masked | length])
    elif length < 65536:
        size = bytes([masked | 126]) + struct.pack(">H", length)
    else:
        size = bytes([masked | 127]) + struct.pack(">Q", length)
    body = bytes(b ^ mask[i & 3] for i, b in enumerate(payload)) if mask else payload
    return first + size + mask + body


class Peer:
    def __init__(self, server, upgrade=True):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if upgrade:
            self.send(HEAD)
            self.expect_upgrade()

    def send(self, data):
        self.socket.sendall(data)

    def read(self, count):
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            assert piece, f"the end after {data!r}"
            data += piece
        return data

    def read_head(self):
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            data += self.read(1)
        return data

    def expect_upgrade(self):
        head = self.read_head()
        assert head.startswith(b"HTTP/1.1 101 ") and ACCEPT in head, head

    def expect_status(self, *allowed):
        status = int(self.read_head().split()[1])
        assert status in allowed, f"status {status}, not one of {allowed}"
        self.expect_end()

    def read_frame(self):
        first, second = self.read(2)
        assert second < 128, "a masked frame from a server"
        length = second
        if length == 126:
            length = struct.unpack(">H", self.read(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self.read(8))[0]
        return first & 15, self.read(length)

    def expect_echo(self, payload=b"still there?"):
        self.send(frame(TEXT, payload))
        assert self.read_frame() == (TEXT, payload)

    def expect_close(self, code):
        opcode, payload = self.read_frame()
        assert opcode == CLOSE and struct.unpack(">H", payload[:2])[0] == code, (opcode, payload)
        self.send(frame(CLOSE, struct.pack(">H", code)))
        self.expect_end()

    # The connection ends, in order or by a reset, and nothing more comes.
    def expect_end(self):
        try:
            while rest := self.socket.recv(65536):
                assert rest[0] not in (0x81, 0x82), f"data after the end: {rest[:20]!r}"
        except ConnectionError:
            pass
        self.socket.close()

    def vanish(self, reset):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def one_byte_at_a_time(server):
    peer = Peer(server, upgrade=False)
    for byte in HEAD:
        peer.send(bytes([byte]))
    peer.expect_upgrade()
    for byte in frame(TEXT, b"x" * 200, fin=False) + frame(PING, b"?") + frame(0, b"y" * 200):
        peer.send(bytes([byte]))
    assert peer.read_frame() == (PONG, b"?")
    assert peer.read_frame() == (TEXT, b"x" * 200 + b"y" * 200)
    peer.vanish(reset=False)


def everything_at_once(server):
    peer = Peer(server, upgrade=False)
    peer.send(HEAD + frame(TEXT, b"early") + frame(CLOSE, struct.pack(">H", 1000)))
    peer.expect_upgrade()
    assert peer.read_frame() == (TEXT, b"early")
    peer.expect_close(1000)


def gone(server):
    whole = HEAD + frame(BINARY, b"z" * 1000)
    for cut in (0, 1, 20, len(HEAD) - 1, len(HEAD), len(HEAD) + 1, len(HEAD) + 5, len(HEAD) + 500, len(whole)):
        for reset in (False, True):
            peer = Peer(server, upgrade=False)
            peer.send(whole[:cut])
            peer.vanish(reset)


def half_closed(server):
    peer = Peer(server)
    peer.send(frame(TEXT, b"the last"))
    peer.socket.shutdown(socket.SHUT_WR)
    assert peer.read_frame() == (TEXT, b"the last")
    peer.expect_end()


def against_the_rules(server):
    offences = [
        (1002, frame(TEXT, b"unmasked", mask=b"")),
        (1002, frame(TEXT, b"reserved bit", reserved=0x40)),
        (1002, frame(3, b"reserved opcode")),
        (1002, frame(PING, b"p" * 126)),
        (1002, frame(PING, b"in fragments", fin=False)),
        (1002, frame(0, b"continues nothing")),
        (1002, frame(TEXT, b"begun", fin=False) + frame(TEXT, b"begun again")),
        (1002, frame(CLOSE, b"\x03")),
        (1002, frame(CLOSE, struct.pack(">H", 1005))),
        (1002, frame(CLOSE, struct.pack(">H", 999))),
        (1007, frame(TEXT, b"\xc0\xaf")),
        (1007, frame(TEXT, b"\xed\xa0\x80")),
        (1007, frame(TEXT, b"cut \xe2\x82")),
        (1009, frame(BINARY, b"", length=2**20 + 1)),
        (1009, frame(BINARY, b"", length=2**40)),
        (1009, frame(BINARY, b"f" * 2**19, fin=False) * 1 + frame(0, b"f" * (2**19 + 1))),
    ]
    for code, data in offences:
        peer = Peer(server)
        peer.send(data)
        peer.expect_close(code)


def not_a_handshake(server):
    for allowed, head in [
        ((400,), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not even HTTP\r\n\r\n"),
        ((400, 426), b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
        ((400, 405), HEAD.replace(b"GET", b"POST")),
        ((400, 426), HEAD.replace(b"Version: 13", b"Version: 8")),
        ((400,), HEAD.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short")),
        ((400,), HEAD.replace(b"Host: 127.0.0.1\r\n", b"")),
        ((403,), HEAD.replace(b"Upgrade: ", b"Origin: http://elsewhere.test\r\nUpgrade: ")),
        ((400, 431), HEAD.replace(b"Host", b"X-Long: " + b"l" * 20000 + b"\r\nHost")),
        ((400, 431), HEAD.replace(b"Host", b"".join(b"X-%d: 1\r\n" % i for i in range(150)) + b"Host")),
    ]:
        peer = Peer(server, upgrade=False)
        peer.send(head)
        peer.expect_status(*allowed)


# Writes and never reads: the server stops reading rather than to keep all answers in memory.
def never_reads(server):
    peer = Peer(server)
    peer.socket.settimeout(2)
    chunk = frame(BINARY, b"b" * 65536)
    sent = 0
    try:
        while sent < 200 * 2**20:
            sent += peer.socket.send(chunk)
    except TimeoutError:
        pass
    assert sent < 100 * 2**20, f"the server took {sent} bytes that nobody fetches the answers to"
    Peer(server).expect_echo()
    peer.vanish(reset=True)


def main():
    with echo_server() as server:
        before = server.descriptors_at_rest() + 1
        steady = Peer(server)
        steady.expect_echo()
        slow = Peer(server, upgrade=False)
        slow.send(HEAD[:30])
        began = time.monotonic()
        for case in (one_byte_at_a_time, everything_at_once, gone, half_closed, against_the_rules, not_a_handshake,
                     never_reads):
            case(server)
            steady.expect_echo()
            print(f"{case.__name__}: survived")
        slow.expect_status(408)
        assert time.monotonic() - began < 25, "a handshake may take for ever"
        server.settles_at(before)
        steady.expect_echo()
        assert server.alive()
        print("slow handshake: ended; no descriptor leaked")


main()
