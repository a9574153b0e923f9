"""`make test`: all tests in two lanes at once; each takes the next folder when it is done with one.

Many tests wait for other processes, so two lanes take little more time than half of one. Every
folder is a process of pytest with servers of its own. The first lane is shown as it runs, what the
second has printed between its folders. With arguments of pytest (`ARGS="-k name"`) it is one
process over all tests, for few tests are meant.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TypeVar

import pytest

TESTS = Path(__file__).parent
# The longest first, so that both lanes end together; folders that nobody named come last.
LONGEST = ("unit/configurator", "integration", "pages", "e2e", "unit/pricer", "contract", "chaos")
FINE = {int(pytest.ExitCode.OK), int(pytest.ExitCode.NO_TESTS_COLLECTED)}
T = TypeVar("T")
BROKEN = int(pytest.ExitCode.INTERNAL_ERROR)


def shares() -> list[str]:
    """Return the folders in the order they are taken; tests/unit by its subfolders."""
    found = {_share(each.relative_to(TESTS)) for each in TESTS.rglob("test_*.py")}
    return [*(each for each in LONGEST if each in found), *sorted(found - set(LONGEST))]


def outcome(codes: Iterable[int]) -> int:
    """Return the exit code of all: a failure, if one failed; no tests, if none had any."""
    found = sorted(codes)
    return next((each for each in found if each not in FINE), found[0])


class Lanes:
    """Two lanes over one row of folders; the second one's words wait until they can be shown."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._codes = dict.fromkeys(folders, BROKEN)
        self._left: SimpleQueue[str] = SimpleQueue()
        self._told: SimpleQueue[bytes] = SimpleQueue()
        for each in folders:
            self._left.put(each)

    def run(self) -> int:
        """Run everything; returns the exit code."""
        beside = Thread(target=self._second, daemon=True)
        beside.start()
        for folder in _taken(self._left):
            _say(f"\ntests/{folder}\n".encode())
            self._codes[folder] = subprocess.call(_pytest(folder))
            self._show()
        beside.join()
        self._show()
        return outcome(self._codes.values())

    def _second(self) -> None:
        for folder in _taken(self._left):
            begun = monotonic()
            with tempfile.TemporaryFile() as told:
                code = subprocess.call(_pytest(folder), stdout=told, stderr=subprocess.STDOUT)
                told.seek(0)
                head = f"\ntests/{folder}, beside, in {monotonic() - begun:.0f} s\n"
                self._told.put(head.encode() + told.read())
            self._codes[folder] = code

    def _show(self) -> None:
        for each in _taken(self._told):
            _say(each)


def main(arguments: Sequence[str]) -> int:
    """Run all tests; or, with arguments of pytest, those that they choose, in one process."""
    if arguments:
        return subprocess.call([sys.executable, "-m", "pytest", str(TESTS), *arguments])
    return Lanes(shares()).run()


def _share(path: Path) -> str:
    return "/".join(path.parts[: 2 if path.parts[0] == "unit" else 1])


def _pytest(folder: str) -> list[str]:
    return [sys.executable, "-m", "pytest", str(TESTS / folder)]


def _taken(queue: SimpleQueue[T]) -> Iterator[T]:
    while True:
        try:
            yield queue.get_nowait()
        except Empty:
            return


def _say(told: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(told)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
