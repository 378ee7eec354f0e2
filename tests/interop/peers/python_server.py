"""python_server.py - the websockets library as a server: echoes, obeys commands, says how each connection ended. With CERTIFICATE
and KEY in the environment, the names of files, it speaks wss."""
import asyncio
import os
import ssl

import websockets


async def obey(socket, message):
    word, *rest = message.split(" ", 2) if isinstance(message, str) else [""]
    if word == "close":
        await socket.close(int(rest[0]), rest[1])
    elif word == "ping":
        await (await socket.ping("are you there"))
        await socket.send("pong are you there")
    elif word == "fragments":
        await socket.send(["f" * 1000] * 3)
    else:
        await socket.send(message)


async def serve(socket, path):
    try:
        async for message in socket:
            await obey(socket, message)
    except websockets.ConnectionClosed:
        pass
    print(f"closed {socket.close_code} {socket.close_reason}", flush=True)


def security():
    if "CERTIFICATE" not in os.environ:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["CERTIFICATE"], os.environ["KEY"])
    return context


async def main():
    async with websockets.serve(serve, "127.0.0.1", 0, max_size=2**21, ssl=security()) as server:
        print(f"listening 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.Future()


asyncio.run(main())
