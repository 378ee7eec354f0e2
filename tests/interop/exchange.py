"""exchange.py - what every pairing of a peer and us has to get through, in either direction."""
from program import OURS, Program, Server, command_server, echo_server


def their_client(*command):
    """`command ECHO_URL COMMAND_URL` talks to our servers and says how many exchanges were right."""
    with echo_server() as echo, command_server() as commands:
        before = echo.descriptors_at_rest(), commands.descriptors_at_rest()
        client = Program(*command, echo.url, commands.url)
        client.wait()
        count = client.count()
        echo.settles_at(before[0])
        commands.settles_at(before[1])
        print(f"their client, our server: {count} exchanges")


def their_server(*command):
    """`command` echoes and obeys; our client talks to it."""
    with Server(*command) as server:
        client = Program(OURS / "caraway_client", server.url)
        client.wait()
        server.wait_for(r"^closed 4000 that is all$")
        server.wait_for(r"^closed 4001 ")
        print(f"our client, their server: {client.count()} exchanges")
