"""exchange.py - what every pairing of a peer and us has to get through, in either direction."""
import contextlib
import pathlib
import subprocess

import certificates
from program import OURS, PATIENCE, TOOL, Program, Server, command_server, echo_server


@contextlib.contextmanager
def between(proxy, *servers):
    """The URLs of `servers`, through `proxy` if there is one."""
    if proxy is None:
        yield [server.url for server in servers]
        return
    with proxy([server.port for server in servers]) as front:
        yield front.urls


def name_of(command, proxy):
    through = "" if proxy is None else f" through {proxy.__name__}"
    return " ".join(pathlib.Path(word).name for word in command) + through


def their_client(*command, proxy=None, options=(), environment=None):
    """`command ECHO_URL COMMAND_URL`, with `environment`, talks to our servers, which have `options`, and says how many
    exchanges were right."""
    with echo_server(*options) as echo, command_server(*options) as commands:
        before = echo.descriptors_at_rest(), commands.descriptors_at_rest()
        with between(proxy, echo, commands) as urls:
            client = Program(*command, *urls, environment={**certificates.TRUST, **(environment or {})})
            client.wait()
        count = client.count()
        echo.settles_at(before[0])
        commands.settles_at(before[1])
        print(f"{name_of(command, proxy)}, our server: {count} exchanges")


def their_server(*command, proxy=None, options=(), environment=None, agreed=None):
    """`command`, with `environment`, echoes and obeys; our client, with `options`, talks to it and says about
    compression what `agreed` says."""
    secure = "CERTIFICATE" in (environment or {})
    with Server(*command, environment=environment, secure=secure) as server:
        with between(proxy, server) as urls:
            if urls[0].startswith("wss:"):
                options = [*options, "--ca", certificates.AUTHORITY]
                assert "unable to get local issuer certificate" in refusal(urls[0])
            client = Program(OURS / "caraway_client", *urls, *options)
            client.wait()
        if agreed is not None and agreed not in client.seen:
            raise client.failure(f"not {agreed!r}")
        # The server may have heard of both before it says the first.
        ends = sorted(server.wait_for(r"^closed 400[01] .*$").group() for _ in range(2))
        assert ends[0] == "closed 4000 that is all" and ends[1].startswith("closed 4001 "), ends
        print(f"our client, {name_of(command, proxy)}: {client.count()} exchanges")


def their_clients_refuse(commands):
    """Each of `commands`, which is not told whom to trust, will not talk to our server. The server says so, and serves
    others."""
    with echo_server(*certificates.options("server")) as echo:
        before = echo.descriptors_at_rest()
        for command in commands:
            Program(*command, echo.url, echo.url).fail()
            said = echo.wait_for(r"^127\.0\.0\.1:\d+: TLS handshake: (the peer .*)$").group(1)
            print(f"{name_of(command, None)}, our server: refused; {said}")
        echo.settles_at(before)
        greet(echo.url)


def our_client_refuses(*command, proxy=None):
    """Our client will not talk to `command` under another's name."""
    with Server(*command, environment=certificates.environment("other_host"), secure=True) as server:
        with between(proxy, server) as urls:
            said = refusal(urls[0], "--ca", certificates.AUTHORITY)
        assert "mismatch" in said, said
        print(f"our client, {name_of(command, proxy)}: refused; {said}")


def connect(url, *options):
    """Our command says hello: its exit status, output and complaints."""
    done = subprocess.run([TOOL, "connect", "--quiet", "--linger", "50", "--message", "hello", *options, url], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr.strip()


def greet(url):
    """Our command is greeted by a server of ours that the tests' authority has signed."""
    done = connect(url, "--ca", certificates.AUTHORITY)
    assert done == (0, "hello\n", ""), done


def refusal(url, *options):
    """Why our command does not connect."""
    status, out, said = connect(url, *options)
    assert (status, out) == (2, "") and said.startswith(f"caraway: {url}: "), (status, out, said)
    return said
