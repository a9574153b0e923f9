"""Files of a catalogue, opened so that none of them can hold a process up or fill its memory."""

import os
import stat
from pathlib import Path


class TooLarge(OSError):
    """A file is larger than its bound."""


def content(path: Path, bytes_max: int) -> bytes:
    """Return what a regular file holds.

    Raises: TooLarge; OSError, also if it is a folder, a pipe or a device.
    """
    # Opened without waiting: a pipe in its place would have nobody at its other end.
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(opened, "rb") as stream:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise OSError(None, "it is no file")
        raw = stream.read(bytes_max + 1)
    if len(raw) > bytes_max:
        raise TooLarge(None, f"it is larger than {bytes_max} bytes")
    return raw
