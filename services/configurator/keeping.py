"""Keeps published models ready below a folder of this machine: the next start proves none again.

A product is kept under the hash of all that it is made from: the bytes of its file and of the parts
and the code that read and proved it, with its libraries. Its tables are read and compared. So what
is kept says what would be said anew, or is not used. Nothing depends on the folder: what is not
there, can not be read, does not fit or belongs to somebody else is made anew.
"""

import os
import pickle
import re
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from tempfile import mkstemp
from typing import Any

import contracts
from services.configurator import tabulating
from services.configurator.domain.products.product import Product
from services.configurator.opening import content

FILE_BYTES_MAX = 2_000_000
KEPT_BYTES_MAX = 64_000_000
# Each version of a model has one, and each release of the engine all anew: the newest stay.
FILES_MAX = 100
# What others may not do with a file that is read back into objects.
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
# Products by their hash, and drafts of them that an ended process left.
OURS = re.compile(r"[0-9a-f]{64}|\.[0-9a-f]{64}\..+")
LIBRARIES = ("lark", "pydantic", "python-sat", "PyYAML")

_ROOMS = ("contracts.", "services.configurator.domain.")
_PLAIN = {
    ("builtins", "max"),
    ("builtins", "min"),
    ("datetime", "date"),
    ("decimal", "Decimal"),
    ("fractions", "Fraction"),
}


class Keeper:
    """Keeps products below a folder; `engine` says what made them."""

    def __init__(self, folder: Path, engine: str | None = None) -> None:
        """Keep below the folder, by default for the code of this process."""
        self._folder = folder
        self._engine = engine or _engine()

    def product(self, path: Path, parts: Path, make: Callable[[], Product]) -> Product:
        """Return the product of a model's file as it is kept; else make it and keep it."""
        name = self._name(path, parts)
        found = None if name is None else _read(self._folder / name, path.parent)
        if found is None:
            found = make()
            # A file that was changed meanwhile is not what was read.
            if name is not None and name == self._name(path, parts):
                self._keep(name, found)
        return found

    def _name(self, path: Path, parts: Path) -> str | None:
        try:
            contents = [content(each, FILE_BYTES_MAX) for each in (path, parts)]
        except OSError:
            return None
        return _summed(self._engine.encode(), *contents)

    def _keep(self, name: str, product: Product) -> None:
        """Write whole or not at all; a folder that can not be written costs the next start time."""
        with suppress(OSError, RecursionError):
            kept = pickle.dumps(product, protocol=5)
            self._folder.mkdir(parents=True, exist_ok=True)
            # A name that nobody has: never through a link, nor into what somebody left half.
            opened, draft = mkstemp(prefix=f".{name}.", dir=self._folder)
            try:
                with os.fdopen(opened, "wb") as written:
                    written.write(f"{_summed(name.encode(), kept)}\n".encode() + kept)
                Path(draft).replace(self._folder / name)
            finally:
                Path(draft).unlink(missing_ok=True)
            self._tidy()

    def _tidy(self) -> None:
        """Remove the oldest of our files; whatever else lies there is somebody's."""
        ours = [each for each in self._folder.iterdir() if OURS.fullmatch(each.name)]
        for each in sorted(ours, key=lambda each: each.lstat().st_mtime)[:-FILES_MAX]:
            each.unlink(missing_ok=True)


class _Reader(pickle.Unpickler):
    """Makes objects of the domain and plain values; whatever else a file names, it refuses."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a class that a product is made of.   Raises: UnpicklingError."""
        found = super().find_class(module, name) if module.startswith(_ROOMS) else None
        if isinstance(found, type) and found.__module__ == module:
            return found
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a product")


def _read(path: Path, models: Path) -> Product | None:
    """Return the product of a file; None, if it is not whole, not ours, or its tables changed.

    What is kept is signed with its name: a file copied over another one is not whole.
    """
    try:
        told, _, kept = content(path, KEPT_BYTES_MAX).partition(b"\n")
        if not _is_ours(path) or told != _summed(path.name.encode(), kept).encode():
            return None
        found = _Reader(BytesIO(kept)).load()
    # Whatever is wrong with it, the model's own file is there to be read.
    except Exception:  # noqa: BLE001
        return None
    if not isinstance(found, Product):
        return None
    return found if all(tabulating.has(models, each) for each in found.written.tables) else None


def _is_ours(path: Path) -> bool:
    """Say whether nobody else could write the file."""
    state = path.stat()
    return state.st_uid == os.geteuid() and not state.st_mode & OTHERS_WRITE


@cache
def _engine() -> str:
    """Return the hash of what makes a product of a file: our code, its libraries and Python."""
    code = [Path(__file__).parent, Path(contracts.__file__).parent]
    files = [each for folder in code for each in sorted(folder.rglob("*.py"))]
    libraries = [f"{each} {version(each)}" for each in LIBRARIES]
    return _summed(sys.version.encode(), *map(str.encode, libraries), *map(Path.read_bytes, files))


def _summed(*contents: bytes) -> str:
    """Return the hash of contents, each on its own."""
    return sha256(b"".join(sha256(each).digest() for each in contents)).hexdigest()
