"""`make test`: all tests in two processes at once, each with servers of its own.

Many tests wait for other processes, so two halves take little more time than the longer one. What
the second prints is shown when the first has ended. `pytest tests` runs the same in one process.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# About half of the time; most of what needs a browser or waits for sessions to end is in the other.
FIRST = ("chaos", "contract", "e2e", "simulation", "unit")
FINE = {int(pytest.ExitCode.OK), int(pytest.ExitCode.NO_TESTS_COLLECTED)}


def halves() -> tuple[list[str], list[str]]:
    """Return the folders of both halves; a folder that nobody named is in the second."""
    folders = {each.parent.relative_to(TESTS).parts[0] for each in TESTS.rglob("test_*.py")}
    return _paths(FIRST), _paths(folders - set(FIRST))


def outcome(codes: Iterable[int]) -> int:
    """Return the exit code of both: a failure, if one failed; no tests, if neither had any."""
    found = sorted(codes)
    return next((each for each in found if each not in FINE), found[0])


def main(arguments: Sequence[str]) -> int:
    """Run both halves with the arguments of pytest."""
    here, there = halves()
    first, second = ([sys.executable, "-m", "pytest", *half, *arguments] for half in (here, there))
    with tempfile.TemporaryFile() as told:
        beside = subprocess.Popen(second, stdout=told, stderr=subprocess.STDOUT)
        try:
            codes = [subprocess.call(first), beside.wait()]
        finally:
            if beside.poll() is None:
                beside.terminate()
                beside.wait()
            told.seek(0)
            sys.stdout.write(f"\n{' '.join(there)}\n")
            sys.stdout.flush()
            sys.stdout.buffer.write(told.read())
    return outcome(codes)


def _paths(folders: Iterable[str]) -> list[str]:
    return sorted(str((TESTS / each).relative_to(TESTS.parent)) for each in folders)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
