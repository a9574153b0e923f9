"""Files of peers, read in bounded memory; whatever is wrong with one is said in a sentence."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts.errors import QuotewrightError

# What a file may unpack to: a clause file is read line by line, a JSON file as a whole.
TEXT_BYTES_MAX = 256 << 20
JSON_BYTES_MAX = 64 << 20
LINE_MAX = 1 << 20
CHUNK = 1 << 20

Case = dict[str, Any]


class CaseFault(QuotewrightError):
    """A peer's file can not be read; the message says what was expected and what was found."""

    code = "peer.case"
    title = "The peer's file has a fault"


def text_of(path: Path, most: int | None = None) -> str:
    """Return the text of a file, unpacked where it is packed.   Raises: CaseFault."""
    most = TEXT_BYTES_MAX if most is None else most
    found: list[bytes] = []
    size = 0
    try:
        with _opened(path) as file:
            while chunk := file.read(CHUNK):
                size += len(chunk)
                if size > most:
                    raise CaseFault(f"it unpacks to more than {most >> 20} MiB, the bound")
                found.append(chunk)
        return b"".join(found).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as fault:
        raise CaseFault(f"it can not be read: {fault}") from None


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file with their numbers, one at a time.   Raises: CaseFault."""
    size = number = 0
    try:
        with _opened(path) as file:
            while line := file.readline(LINE_MAX):
                number += 1
                size += len(line)
                if size > TEXT_BYTES_MAX or len(line) == LINE_MAX:
                    raise CaseFault(
                        f"line {number}: it unpacks to more than {TEXT_BYTES_MAX >> 20} MiB, or a"
                        f" line is longer than {LINE_MAX >> 20} MiB"
                    )
                yield number, line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as fault:
        raise CaseFault(f"line {number}: it can not be read: {fault}") from None
    except (OSError, EOFError, zlib.error) as fault:
        raise CaseFault(f"after line {number} it can not be read: {fault}") from None


def json_of(path: Path) -> Any:
    """Return what a JSON file says.   Raises: CaseFault."""
    try:
        return json.loads(text_of(path, JSON_BYTES_MAX))
    except (ValueError, RecursionError) as fault:
        raise CaseFault(f"it is no JSON: {fault}") from None


def case_of(path: Path) -> Case:
    """Return a JSON file that holds one object.   Raises: CaseFault."""
    found = json_of(path)
    if not isinstance(found, dict):
        raise CaseFault(f"an object was expected, not a {type(found).__name__}")
    return found


def one_of(found: Case, names: tuple[str, ...], what: str) -> Any:
    """Return the first of these entries that there is.   Raises: CaseFault."""
    for each in names:
        if each in found:
            return found[each]
    raise CaseFault(
        f"{what} was expected under {' or '.join(map(repr, names))};"
        f" there is {', '.join(map(repr, list(found)[:12])) or 'nothing'}"
    )


def _opened(path: Path) -> Any:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
