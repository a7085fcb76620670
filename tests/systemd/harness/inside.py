#!/usr/bin/python3
"""The two ends of a tunnel, as programs that run in a machine's network:

    inside.py target              an echo server; prints its port
    inside.py visit PORT...       visits these ports all the time, until its input ends; prints the
                                  counts then, and for each line of input

A visit connects, sends a line and wants it back. It is counted as served; as refused, if nobody
listens; as cut, if it ends between; or as late.
"""

import asyncio
import collections
import json
import sys

_AT_ONCE = 4        # visitors for each port
_VISIT_S_MAX = 60   # a visitor who has waited this long goes away
_PAUSE_S = 0.005    # between two of the same visitor's visits: some 200 a second and port, at most


async def _echo(reader, writer):
    try:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def _target():
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _visit(port, word):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(word)
        return await reader.readline() == word
    finally:
        writer.close()


async def _visitor(port, number, counts, over):
    visits = 0
    while not over.is_set():
        visits += 1
        word = f"visitor {number} of {port}, visit {visits}\n".encode()
        counts["tried"] += 1
        try:
            served = await asyncio.wait_for(_visit(port, word), _VISIT_S_MAX)
            counts["served" if served else "cut"] += 1
        except ConnectionRefusedError:
            counts["refused"] += 1
        except ConnectionError:
            counts["cut"] += 1
        except asyncio.TimeoutError:
            counts["late"] += 1
        await asyncio.sleep(_PAUSE_S)


async def _visitors(ports):
    counts = collections.Counter(tried=0, served=0, refused=0, cut=0, late=0)
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    visitors = [asyncio.create_task(_visitor(port, number, counts, over))
                for port in ports for number in range(_AT_ONCE)]
    loop.add_reader(sys.stdin, lambda: over.set() if not sys.stdin.readline() else print(
        json.dumps(counts), flush=True))
    await asyncio.gather(*visitors)
    print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["target"]:
        asyncio.run(_target())
    elif sys.argv[1:2] == ["visit"] and sys.argv[2:]:
        asyncio.run(_visitors([int(word) for word in sys.argv[2:]]))
    else:
        sys.exit(__doc__)
