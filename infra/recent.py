"""Streams read or written lately, kept in memory: facts never change, so a prefix stays true."""

import threading
from collections import OrderedDict

from infra.work import Recorded


class Recent:
    """The facts of streams read or written lately, bounded; thread-safe.

    Only whole prefixes are kept (versions 1 to n), so a stream's later facts can be asked for.
    """

    def __init__(self, streams_max: int) -> None:
        self._max = streams_max
        self._streams: OrderedDict[str, tuple[Recorded, ...]] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, stream: str) -> tuple[Recorded, ...]:
        """Return the prefix kept of a stream; empty if there is none."""
        with self._guard:
            return self._streams.get(stream, ())

    def put(self, stream: str, facts: tuple[Recorded, ...]) -> None:
        """Keep a prefix unless a longer one is kept; the stream not used for longest goes."""
        with self._guard:
            if len(facts) >= len(self._streams.get(stream, ())) and facts:
                self._streams[stream] = facts
                self._streams.move_to_end(stream)
            while len(self._streams) > self._max:
                self._streams.popitem(last=False)
