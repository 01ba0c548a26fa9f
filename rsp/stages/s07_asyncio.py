"""The same proxy in asyncio: its loop is ours by another name, and `await` stands for a handler.

New: one coroutine for each direction reads like a thread, and waits like a handler.
Missing: what asyncio costs for each read; how it looks from below.
Read: copy, then attend, then accept.
"""

import asyncio
import logging
import socket
from asyncio import StreamReader, StreamWriter
from contextlib import suppress

from rsp.net import Address
from rsp.stages.s08_buffers import READ_SIZE, RESET

log = logging.getLogger(__name__)


async def copy(reader: StreamReader, writer: StreamWriter) -> None:
    """Pass on what comes until its end, and then the end."""
    while data := await reader.read(READ_SIZE):
        writer.write(data)
        await writer.drain()  # back-pressure: wait while too much is pending
    writer.write_eof()


def reset(writer: StreamWriter) -> None:
    """Break a connection off, so that nobody takes it for a good end."""
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


async def attend(client: socket.socket, backend: Address) -> None:
    """Dial for a client, and copy both ways; an error at one end is a reset for the other."""
    writers: list[StreamWriter] = []
    try:
        from_client, to_client = await asyncio.open_connection(sock=client)
        writers.append(to_client)
        from_backend, to_backend = await asyncio.open_connection(*backend)
        writers.append(to_backend)
        async with asyncio.TaskGroup() as group:
            group.create_task(copy(from_client, to_backend))
            group.create_task(copy(from_backend, to_client))
    except* OSError as errors:
        log.warning("%s", errors.exceptions[0])
        for writer in writers:
            reset(writer)
    finally:
        for writer in writers:
            writer.close()


async def accept(listener: socket.socket, backend: Address) -> None:
    """Take clients until the listener is shut down, and wait for those at work."""
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        with suppress(OSError):
            while True:
                client, _ = await loop.sock_accept(listener)
                group.create_task(attend(client, backend))


def serve(listener: socket.socket, backend: Address) -> None:
    """Serve all clients on asyncio's loop, until the listener is shut down and they have gone."""
    listener.setblocking(False)
    asyncio.run(accept(listener, backend))
