"""program.py - a program under test, or a peer, as a child process with an end."""
import os
import pathlib
import queue
import re
import signal
import socket
import subprocess
import threading
import time

HERE = pathlib.Path(__file__).parent
PEERS = HERE / "peers"
OURS = pathlib.Path(os.environ["CARAWAY_INTEROP_PROGRAMS"])
EXAMPLES = pathlib.Path(os.environ["CARAWAY_EXAMPLES"])
TOOL = os.environ["CARAWAY_TOOL"]
PATIENCE = 60


class Program:
    """Starts `command`, with `environment` besides ours; its lines are collected. As a context manager, ends it."""

    def __init__(self, *command, environment=None):
        self.command = [str(word) for word in command]
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, errors="replace", cwd=HERE,
                                        env={**os.environ, **(environment or {})})
        self.lines = queue.Queue()
        self.seen = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def wait_for(self, pattern):
        """Waits for a line that matches `pattern`; the match."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                line = self.lines.get(timeout=max(0, until - time.monotonic()))
            except queue.Empty:
                raise self.failure(f"no line like {pattern!r} within {PATIENCE} s") from None
            if line is None:
                raise self.failure(f"ended without a line like {pattern!r}")
            self.seen.append(line)
            found = re.search(pattern, line)
            if found:
                return found

    def wait(self):
        """Waits for the end; fails unless the exit status is 0."""
        status = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.seen += [line for line in iter(self.lines.get, None)]
        if status != 0:
            raise self.failure(f"exit status {status}")

    def fail(self):
        """Waits for the end, which must be a failure."""
        if self.process.wait(PATIENCE) == 0:
            raise self.failure("succeeded")
        self.reader.join(PATIENCE)

    def count(self):
        """The number in the line `N exchanges` that a client ends with; at least 20."""
        counts = [line.split()[0] for line in self.seen if line.endswith(" exchanges")]
        if len(counts) != 1 or int(counts[0]) < 20:
            raise self.failure("no proper number of exchanges")
        return int(counts[0])

    def failure(self, what):
        if not self.alive():
            self.reader.join(PATIENCE)
        while not self.lines.empty():
            self.seen.append(self.lines.get() or "")
        output = "\n".join(f"  {line}" for line in self.seen)
        return AssertionError(f"{' '.join(self.command)}: {what}; it said:\n{output}")

    def alive(self):
        return self.process.poll() is None

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def open_files(self):
        """What is open, as the kernel calls it."""
        folder = pathlib.Path(f"/proc/{self.process.pid}/fd")
        return sorted(os.readlink(file) for file in folder.iterdir())

    def stop(self):
        """Asks it to end, and insists after a while. Fails if it ended in any other way than asked."""
        before = self.process.poll()
        if before is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise self.failure("did not end when asked to") from None
        if status not in (0, -signal.SIGTERM, 128 + signal.SIGTERM):
            raise self.failure(f"exit status {status}")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            self.stop()
        except AssertionError:
            if kind is None:
                raise


class Server(Program):
    """A server that says where it listens; `url` and `port`."""

    def __init__(self, *command, environment=None, secure=False):
        super().__init__(*command, environment=environment)
        try:
            self.port = int(self.wait_for(r"127\.0\.0\.1:(\d+)").group(1))
        except AssertionError:
            self.process.kill()
            raise
        self.url = f"{'wss' if secure else 'ws'}://127.0.0.1:{self.port}/"

    def descriptors_at_rest(self):
        """How many are open once the server has answered somebody, so that all it opens for itself is."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            while plain.recv(65536):
                pass
        seen = [self.descriptors()]
        while len(seen) < 5 or len(set(seen[-5:])) > 1:
            time.sleep(0.02)
            seen.append(self.descriptors())
        return seen[-1]

    def settles_at(self, descriptors):
        """Waits until no more than `descriptors` are open."""
        until = time.monotonic() + 20
        while self.descriptors() > descriptors:
            if time.monotonic() > until:
                raise self.failure(f"{self.descriptors()} descriptors open, {descriptors} before")
            time.sleep(0.02)


def echo_server(*options):
    """Our command, as it is shipped; it tells what fails."""
    return Server(TOOL, "serve", "--echo", "--verbose", "--listen", "127.0.0.1:0", *options,
                  secure="--tls-cert" in options)


def command_server(*options):
    """Our library, told by its client what to do."""
    return Server(OURS / "caraway_server", *options, secure="--tls-cert" in options)
