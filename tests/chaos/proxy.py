"""A wire that can be cut: a small TCP proxy in front of PostgreSQL or a broker."""

import contextlib
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

CHUNK = 65_536
Upstream = tuple[str, int] | Path


class Wire:
    """Hands bytes on, both ways, until told otherwise; a context manager.

    `loses`: when a client sends these bytes, the server gets them and does what it is asked; its
    answer is thrown away and the connection cut. `down`: nobody is let in. `cut` ends all at once.
    """

    def __init__(self, upstream: Upstream | None = None) -> None:
        """Listen on a free port; connections end at once until it is known where to lead them."""
        self.loses: bytes | None = None
        self.lost = 0
        self.down = False
        self.upstream = upstream
        self._door = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._pairs: set[Pair] = set()
        self._guard = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._door.getsockname()[1])

    def cut(self) -> int:
        """End every connection that stands, in the middle of whatever it carries; returns how many."""
        with self._guard:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            pair.end()
        return len(pairs)

    def close(self) -> None:
        self._door.close()
        self.cut()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            try:
                if self.down:
                    raise ConnectionRefusedError
                pair = Pair(client, _connect(self.upstream))
            except OSError:
                client.close()
                continue
            with self._guard:
                self._pairs.add(pair)
            for way in (self._asks, self._answers):
                threading.Thread(target=way, args=(pair,), daemon=True).start()

    def _asks(self, pair: "Pair") -> None:
        with contextlib.suppress(OSError):
            while data := pair.client.recv(CHUNK):
                if self.loses is not None and self.loses in data:
                    pair.doomed = True
                pair.server.sendall(data)
        pair.end()

    def _answers(self, pair: "Pair") -> None:
        with contextlib.suppress(OSError):
            while data := pair.server.recv(CHUNK):
                if pair.doomed:
                    self.lost += 1
                    break
                pair.client.sendall(data)
        pair.end()


@dataclass(eq=False)
class Pair:
    """One connection: the client's end, the server's end, and whether its next answer is lost."""

    client: socket.socket
    server: socket.socket
    doomed: bool = False

    def end(self) -> None:
        for each in (self.client, self.server):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def _connect(upstream: Upstream | None) -> socket.socket:
    if upstream is None:
        raise ConnectionRefusedError
    if isinstance(upstream, Path):
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.connect(str(upstream))
        return server
    return socket.create_connection(upstream)
