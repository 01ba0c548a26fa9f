"""Answers to the exercises of notebook 03."""

import errno
import socket
import socketserver
from contextlib import suppress
from pathlib import Path

from rsp.lab import HOST
from rsp.net import Address, listen
from rsp.stages.s04_serial import clients
from tests.answers import KEPT, right, wrong


@wrong("3.1", "0 is not the number of a port that one can connect to")
def not_bound(port: int = 0) -> int:
    with socket.socket() as sock:
        return int(sock.getsockname()[1])


@wrong("3.1", "and it still gives that")
def a_lucky_number() -> int:
    return 20_123


@wrong("3.1", "it leaves something open: a listener is open")
def left_listening() -> int:
    KEPT.append(listen(Address(HOST, 0)))
    return int(KEPT[-1].getsockname()[1])


@wrong("3.1", "a socket is never closed: it is only forgotten")
def forgotten() -> int:
    return int(listen(Address(HOST, 0)).getsockname()[1])


@wrong("3.1", "it returns tuple, not a number")
def the_whole_name() -> tuple[str, int]:
    with listen(Address(HOST, 0)) as listener:
        return listener.getsockname()  # type: ignore[no-any-return]


@right("3.1")
def tried_one_by_one() -> int:
    for port in range(20_000, 60_000):
        with suppress(OSError), socket.create_server((HOST, port)):
            return port
    raise OSError("no port is free")


@right("3.1")
def by_socketserver() -> int:
    with socketserver.TCPServer((HOST, 0), socketserver.BaseRequestHandler) as server:
        return int(server.server_address[1])


@wrong("3.2", "it connected: the server there had a visitor for nothing")
def by_connecting(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex((HOST, port)) == 0


@wrong("3.2", "nobody listens there, only a drawer is left, and it says yes")
def without_the_flag(port: int) -> bool:
    with socket.socket() as sock:
        try:
            sock.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise
    return False


@wrong("3.2", "bind failed with “Permission denied”, and it answers True as if it knew")
def any_error(port: int) -> bool:
    try:
        with listen(Address(HOST, port)):
            return False
    except OSError:
        return True


@wrong("3.2", "somebody listens there, and it says no")
def the_wrong_way_round(port: int) -> bool:
    return not any_error(port)


@wrong("3.2", "it leaves something open: a socket is open")
def kept_open(port: int) -> bool:
    KEPT.append(socket.socket())
    return any_error(port)


@wrong("3.2", "it returns nothing")
def says_nothing(port: int) -> None:
    any_error(port)


@right("3.2")
def as_the_kernel_lists(port: int) -> bool:
    """/proc/net/tcp: in hexadecimal the local address, then the far one, then the state."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return any(int(f[1].split(":")[1], 16) == port and f[3] == "0A" for f in fields)


@right("3.2")
def by_listening(port: int) -> bool:
    try:
        listen(Address(HOST, port)).close()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return True
    return False


@wrong("3.3", "the client is reset: something that it sent was never read")
def one_read(listener: socket.socket) -> None:
    for client in clients(listener):
        with client, suppress(OSError):
            client.sendall(client.recv(4096).upper())


@wrong("3.3", "of 20,000 bytes 5 came back")
def five_at_most(listener: socket.socket) -> None:
    for client in clients(listener):
        written = 0
        with client, suppress(OSError):
            while data := client.recv(4096):
                client.sendall(data[: 5 - written].upper())
                written = min(5, written + len(data))


@wrong("3.3", "what comes back is not what was sent, in capitals")
def echo(listener: socket.socket) -> None:
    for client in clients(listener):
        with client, suppress(OSError):
            while data := client.recv(4096):
                client.sendall(data)


@wrong("3.3", "a client that broke off has ended the server with ConnectionResetError")
def ended_by_one(listener: socket.socket) -> None:
    for client in clients(listener):
        with client:
            while data := client.recv(4096):
                client.sendall(data.upper())


@wrong("3.3", "it has ended, and there was one more client to serve")
def one_client(listener: socket.socket) -> None:
    with listener.accept()[0] as client:
        while data := client.recv(4096):
            client.sendall(data.upper())


@wrong("3.3", "the client has ended its side and gets no end of the answer")
def never_closes(listener: socket.socket) -> None:
    for client in clients(listener):
        with suppress(OSError):
            while data := client.recv(4096):
                client.sendall(data.upper())
        KEPT.append(client)


@wrong("3.3", "it raised AttributeError: 'bytes' object has no attribute 'capitals', in the line")
def misspelt(listener: socket.socket) -> None:
    for client in clients(listener):
        with client, suppress(OSError):
            while data := client.recv(4096):
                client.sendall(data.capitals())  # type: ignore[attr-defined]


@wrong("3.3", "the listener was shut down, and it serves on")
def goes_on_for_ever(listener: socket.socket) -> None:
    while True:
        with suppress(OSError):
            client, _ = listener.accept()
            with client:
                while data := client.recv(4096):
                    client.sendall(data.upper())


@right("3.3")
def whole_files(listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client, suppress(OSError), client.makefile("rwb") as file:
            file.write(file.read().upper())


@right("3.3")
def by_a_handler(listener: socket.socket) -> None:
    class Shout(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.wfile.write(self.rfile.read().upper())

    for client in clients(listener):
        with client, suppress(OSError):
            Shout(client, client.getpeername(), None)  # type: ignore[arg-type]
