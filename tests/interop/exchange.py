"""exchange.py - what every pairing of a peer and us has to get through, in either direction."""
import contextlib

from program import OURS, Program, Server, command_server, echo_server


@contextlib.contextmanager
def between(proxy, *servers):
    """The URLs of `servers`, through `proxy` if there is one."""
    if proxy is None:
        yield [server.url for server in servers]
        return
    with proxy([server.port for server in servers]) as front:
        yield front.urls


def their_client(*command, proxy=None, options=()):
    """`command ECHO_URL COMMAND_URL` talks to our servers and says how many exchanges were right."""
    with echo_server(*options) as echo, command_server(*options) as commands:
        before = echo.descriptors_at_rest(), commands.descriptors_at_rest()
        with between(proxy, echo, commands) as urls:
            client = Program(*command, *urls)
            client.wait()
        count = client.count()
        echo.settles_at(before[0])
        commands.settles_at(before[1])
        print(f"{command[-1]}, our server: {count} exchanges")


def their_server(*command, proxy=None, options=()):
    """`command` echoes and obeys; our client talks to it."""
    with Server(*command) as server:
        with between(proxy, server) as urls:
            client = Program(OURS / "caraway_client", *urls, *options)
            client.wait()
        server.wait_for(r"^closed 4000 that is all$")
        server.wait_for(r"^closed 4001 ")
        print(f"our client, {command[-1]}: {client.count()} exchanges")
