"""Processes that price past asks, so that a what-if is in nobody's way.

A worker knows the books and rates of one what-if; it gets asks and gives back sums and rows. It
reads and writes nothing else, is nice to its neighbours, and ends with the process that began it.
"""

import gc
import os
import pickle
import signal
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any

from services.pricer.domain.what_ifs.outcome import Row
from services.pricer.domain.what_ifs.tally import Tally
from services.pricer.domain.what_ifs.trial import Past, Trier, Versions

NICE = 10
Part = tuple[dict[str, Any], list[Row]]
"""The tally of a part as plain JSON, and its rows."""

_triers: list[Trier] = []


class Workers:
    """So many processes for one what-if.

    What they must know comes by a file: by a pipe, Python waits for ever for a process that ended
    before it had read all of it.
    """

    def __init__(self, versions: Versions, count: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="quotewright-what-if-")
        known = Path(self._folder.name) / "versions"
        known.write_bytes(pickle.dumps(versions, pickle.HIGHEST_PROTOCOL))
        self._pool = ProcessPoolExecutor(
            count, mp_context=get_context("spawn"), initializer=_begin, initargs=(str(known),)
        )

    def part(self, asks: Sequence[Past]) -> "Future[Part]":
        """Begin to price a part."""
        return self._pool.submit(_part, tuple(asks))

    def close(self) -> None:
        """End the processes after the part that each is at."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._folder.cleanup()


def tried(trier: Trier, asks: Sequence[Past]) -> Part:
    """Price a part and add it up."""
    tally = Tally()
    rows = [tally.add(trier.tries(each)) for each in asks]
    return tally.tree(), rows


def _part(asks: Sequence[Past]) -> Part:
    return tried(_triers[0], asks)


def _begin(known: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICE)
    # What is remembered is never garbage; to look for some in it takes a fifth of the time.
    gc.set_threshold(200_000, 50, 50)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _triers.append(Trier(pickle.loads(Path(known).read_bytes())))  # noqa: S301  we wrote it


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
