"""python_client.py ECHO_URL COMMAND_URL - the websockets library as a client."""
import asyncio
import os
import sys

import websockets

SIZES = [0, 1, 125, 126, 127, 65535, 65536, 1048576]
TEXTS = ["Grüße", "日本語テキスト", "🌿 caraway 🌿", "with a \0 in it"]
count = 0


async def expect(socket, message):
    global count
    answer = await socket.recv()
    assert answer == message, f"expected {message[:60]!r} ({len(message)}), got {answer[:60]!r} ({len(answer)})"
    count += 1


async def echo(url):
    async with websockets.connect(url, max_size=2**21) as socket:
        assert len(socket.extensions) == int(os.environ.get("DEFLATE", "0")), socket.extensions
        for size in SIZES:
            for message in ("x" * size, bytes((i * 7 + size) & 255 for i in range(size))):
                await socket.send(message)
                await expect(socket, message)
        for text in TEXTS:
            await socket.send(text)
            await expect(socket, text)
        await (await socket.ping("are you there"))
        await socket.send(["one ", "two ", "three"])
        await expect(socket, "one two three")
        await socket.send([b"\x00" * 1000] * 50)
        await expect(socket, b"\x00" * 50000)
        await socket.close(3001, "that is all")
        assert socket.close_code == 3001, f"our close came back as {socket.close_code}"


async def command(url):
    async with websockets.connect(url) as socket:
        await socket.send("fragments")
        await expect(socket, "f" * 3000)
        await socket.send("close 4001 good bye")
        try:
            await socket.recv()
            raise AssertionError("a message instead of a close")
        except websockets.ConnectionClosed:
            assert (socket.close_code, socket.close_reason) == (4001, "good bye"), socket.close_code


asyncio.run(echo(sys.argv[1]))
asyncio.run(command(sys.argv[2]))
print(f"{count} exchanges")
