"""WebSockets through the gateway: a 101 that was asked for, and then whatever the two like."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import Server, ServerConnection
from websockets.sync.server import serve as serve_websockets

from rsp.gateway import serve
from rsp.lab import HOST, TIMEOUT, running
from rsp.lab.proxies import Proxy
from rsp.net import Address

LONG = "0123456789abcdef" * 65_536  # 1 MiB
TALKERS = 20


def converse(connection: ServerConnection) -> None:
    """Echo each message; `end` asks for an end, `break` for none."""
    for message in connection:
        if message == "end":
            connection.close(4000, "as you like")
        elif message == "break":
            connection.socket.shutdown(socket.SHUT_RDWR)
        else:
            connection.send(message)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A WebSocket server; to whoever asks for no upgrade it answers 426."""
    with serve_websockets(converse, HOST, 0, max_size=2 * len(LONG)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """The gateway before it."""
    with running(serve, Address(HOST, str(server.socket.getsockname()[1]))) as proxy:
        yield proxy


def dialled(proxy: Proxy) -> ClientConnection:
    """Return a client that has shaken hands through the gateway."""
    return connect(
        f"ws://{proxy.address}/chat", proxy=None, open_timeout=TIMEOUT, max_size=2 * len(LONG)
    )


def test_says_and_hears(proxy: Proxy) -> None:
    """Short and long, text and bytes, in order."""
    with dialled(proxy) as client:
        for message in ("hello", b"\x00\xff", "", LONG, LONG.encode()):
            client.send(message)
            assert client.recv(TIMEOUT) == message


def test_pings(proxy: Proxy) -> None:
    """A ping is the protocol's own, and passes as all does."""
    with dialled(proxy) as client:
        assert client.ping(b"are you there?").wait(TIMEOUT)


def test_many_messages_without_waiting(proxy: Proxy) -> None:
    with dialled(proxy) as client:
        for number in range(500):
            client.send(str(number))
        assert [client.recv(TIMEOUT) for _ in range(500)] == [str(n) for n in range(500)]


def test_a_close_comes_with_its_code(proxy: Proxy) -> None:
    with dialled(proxy) as client:
        client.send("end")
        with pytest.raises(ConnectionClosedError) as told:
            client.recv(TIMEOUT)
    assert told.value.rcvd
    assert (told.value.rcvd.code, told.value.rcvd.reason) == (4000, "as you like")


def test_a_break_looks_like_one(proxy: Proxy) -> None:
    """No close frame came: the client is told that, and does not wait."""
    with dialled(proxy) as client:
        client.send("break")
        with pytest.raises(ConnectionClosedError) as told:
            client.recv(TIMEOUT)
    assert told.value.rcvd is None


def test_many_at_once(proxy: Proxy) -> None:
    """Each gets its own."""

    async def talk(number: int) -> bool:
        async with connect_async(f"ws://{proxy.address}/", proxy=None) as client:
            await client.send(f"{number}" * 1000)
            return await client.recv() == f"{number}" * 1000

    async def all_of_them() -> list[bool]:
        async with asyncio.timeout(5 * TIMEOUT):
            return await asyncio.gather(*(talk(number) for number in range(TALKERS)))

    assert all(asyncio.run(all_of_them()))


def test_a_refusal_comes_back(proxy: Proxy) -> None:
    """The server wants an upgrade of version 13, and says so to who has another."""
    with pytest.raises(InvalidStatus) as told:
        connect(
            f"ws://{proxy.address}/", proxy=None, additional_headers={"Sec-WebSocket-Version": "12"}
        )
    assert told.value.response.status_code in (400, 426)
