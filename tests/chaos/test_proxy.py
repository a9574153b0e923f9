"""The wire between a client and a server does what the proofs ask of it."""

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.chaos.proxy import Wire


@pytest.fixture
def heard() -> list[bytes]:
    return []


@pytest.fixture
def wire(heard: list[bytes]) -> Iterator[Wire]:
    """A wire to a server that answers every message with itself."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                while data := client.recv(100):
                    heard.append(data)
                    client.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    with Wire(("127.0.0.1", server.getsockname()[1])) as between:
        yield between
    server.close()


def through(wire: Wire) -> socket.socket:
    return socket.create_connection(("127.0.0.1", wire.port), timeout=10)


def test_bytes_pass_both_ways(wire: Wire) -> None:
    with through(wire) as client:
        client.sendall(b"one")
        assert client.recv(100) == b"one"


def test_the_answer_to_marked_bytes_is_lost_though_they_arrived(
    wire: Wire, heard: list[bytes]
) -> None:
    wire.loses = b"INSERT"
    with through(wire) as client:
        client.sendall(b"SELECT")
        assert client.recv(100) == b"SELECT"
        client.sendall(b"INSERT")
        assert client.recv(100) == b""
    assert heard == [b"SELECT", b"INSERT"]
    assert wire.lost == 1


def test_a_cut_ends_what_stands_and_a_wire_that_is_down_lets_nobody_in(wire: Wire) -> None:
    with through(wire) as client:
        client.sendall(b"one")
        assert client.recv(100) == b"one"
        assert wire.cut() == 1
        assert client.recv(100) == b""
    wire.down = True
    with through(wire) as client:
        assert client.recv(100) == b""
