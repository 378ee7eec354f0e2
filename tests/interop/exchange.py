"""exchange.py - what every pairing of a peer and us has to get through, in either direction."""
import contextlib
import pathlib

from program import OURS, Program, Server, command_server, echo_server


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
            client = Program(*command, *urls, environment=environment)
            client.wait()
        count = client.count()
        echo.settles_at(before[0])
        commands.settles_at(before[1])
        print(f"{name_of(command, proxy)}, our server: {count} exchanges")


def their_server(*command, proxy=None, options=(), environment=None, agreed=None):
    """`command`, with `environment`, echoes and obeys; our client, with `options`, talks to it and says about
    compression what `agreed` says."""
    with Server(*command, environment=environment) as server:
        with between(proxy, server) as urls:
            client = Program(OURS / "caraway_client", *urls, *options)
            client.wait()
        if agreed is not None and agreed not in client.seen:
            raise client.failure(f"not {agreed!r}")
        server.wait_for(r"^closed 4000 that is all$")
        server.wait_for(r"^closed 4001 ")
        print(f"our client, {name_of(command, proxy)}: {client.count()} exchanges")
