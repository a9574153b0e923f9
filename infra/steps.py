"""What set-up steps are made of: running a program, telling the reader, stamps, one at a time.

Standard library only: it runs before any package is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[1]
STAMP = ".made-from"
# PostgreSQL refuses to run as root, and "nobody" can not enter root's home: so its files live here.
ROOTS_ROOMS = Path("/var/lib/quotewright-local")


class SetupFailed(Exception):
    """Set-up can not go on; the message says what the reader can do about it."""


def say(line: str) -> None:
    """Tell the person at the terminal what is going on."""
    sys.stderr.write(f"[set-up] {line}\n")
    sys.stderr.flush()


def run(command: Sequence[str], *, quiet: bool) -> None:
    """Run a program in the checkout; `quiet` shows its output only if it fails.

    Raises: SetupFailed, naming the program, if it does not end well.
    """
    done = subprocess.run(command, cwd=ROOT, capture_output=quiet, check=False)
    if done.returncode:
        if quiet:
            sys.stderr.buffer.write(done.stdout + done.stderr)
        raise SetupFailed(f"`{' '.join(command[:4])} ...` ended with {done.returncode}, see above")


def works(command: Sequence[str]) -> bool:
    """Tell whether a program can be run and ends well."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def recipe(*files: Path, extra: str) -> str:
    """Hash what something is made from."""
    parts = [*(file.read_bytes() for file in files), extra.encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def is_made(place: Path, made_from: str) -> bool:
    """Tell whether the directory was made, to the end, from this recipe."""
    stamp = place / STAMP
    return stamp.exists() and stamp.read_text(encoding="utf-8").strip() == made_from


def mark_made(place: Path, made_from: str) -> None:
    """Note that the directory is whole, and what it was made from."""
    (place / STAMP).write_text(f"{made_from}\n", encoding="utf-8")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let one set-up work in this checkout at a time; the others wait and then find it done."""
    (ROOT / ".local").mkdir(exist_ok=True)
    with (ROOT / ".local" / "set-up.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def locked(file: int) -> bool:
    """Take the lock of an open file if nobody has it; it falls with the file's last holder."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
