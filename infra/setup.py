"""Make this checkout ready to run: system packages, uv, the virtual environment, Kafka's jars.

Run by the Makefile as `python3 -m infra.setup NEED...` before any package is installed, so it
imports the standard library only. Each step leaves a stamp that holds a hash of what it was made
from, so a second run costs milliseconds and needs neither the network nor root.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local_jars import fetch_jars, jars_are_there
from infra.steps import (
    ROOT,
    ROOTS_ROOMS,
    STAMP,
    SetupFailed,
    alone,
    is_made,
    locked,
    mark_made,
    recipe,
    run,
    say,
    works,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
PINS = ROOT / "requirements" / "all.txt"
UV_PINS = ROOT / "requirements" / "uv.txt"
# Measured beside us by `make bench-peers`; GPL, so in an environment that shares nothing with ours.
TRYTON = ROOT / ".local" / "tryton" / "venv"
TRYTON_PINS = ROOT / "requirements" / "tryton.txt"

CACHES = (".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".import_linter_cache")
NEEDS = ("venv", "pdf", "pdf-tools", "kafka", "browser", "tryton")
OLDEST_PYTHON = (3, 11)
BROWSERS = ("chromium-headless-shell", "chromium")
PDF_LIBRARIES = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}

# The venv's own console script finds its Python beside itself: any path works, also with spaces.
# Processes that a house begins read it again as their main module; they must not begin a house.
LAUNCHER = """#!/bin/sh
'''exec' "$(dirname "$(readlink -f "$0")")/python" "$0" "$@"
'''
import sys

from quotewright.cli import main

if __name__ == "__main__":
    sys.exit(main())
"""


def main(words: Sequence[str]) -> int:
    """Make what the named needs ask for, or do `lock` or `clean`; return the exit code."""
    try:
        if sys.version_info < OLDEST_PYTHON:
            found = ".".join(map(str, sys.version_info[:3]))
            raise SetupFailed(f"Python 3.11 or newer is needed, {sys.executable} is {found}")
        if list(words) == ["lock"]:
            lock()
        elif list(words) == ["clean"]:
            clean()
        elif words and set(words) <= set(NEEDS):
            make_ready(words)
        else:
            raise SetupFailed(
                f"usage: python3 -m infra.setup lock | clean | NEED... of {', '.join(NEEDS)}"
            )
    except (SetupFailed, OSError) as failure:
        say(f"stopped: {failure}")
        return 1
    return 0


def make_ready(needs: Sequence[str]) -> None:
    """Do what is still missing for these needs; at most one caller at a time in one checkout."""
    if not missing_packages(needs) and not _undone(needs):
        return
    with alone():
        packages = missing_packages(needs)
        if packages:
            install_packages(packages)
        undone = _undone(needs)
        if "venv" in undone:
            make_venv()
        if "kafka" in undone:
            fetch_jars()
        if "tryton" in undone:
            make_tryton()
    say("ready")


def _undone(needs: Sequence[str]) -> list[str]:
    """Name the steps whose stamp does not match what they would be made from."""
    undone = []
    if "venv" in needs and not is_made(VENV, _venv_recipe()):
        undone.append("venv")
    if "kafka" in needs and not jars_are_there():
        undone.append("kafka")
    if "tryton" in needs and not is_made(TRYTON, recipe(TRYTON_PINS, extra=str(ROOT))):
        undone.append("tryton")
    return undone


def missing_packages(needs: Sequence[str]) -> list[str]:
    """Name the Debian packages that these needs still lack.

    Asks for the ability, not for the package: a Java from elsewhere is as good as Debian's.
    """
    packages = []
    uv_for = {"venv", "tryton"}.intersection(_undone(needs))
    if uv_for and not importlib.util.find_spec("ensurepip") and not find_uv():
        packages.append("python3-venv")
    if "pdf" in needs:
        packages += [package for library, package in PDF_LIBRARIES.items() if not _loads(library)]
    if "pdf-tools" in needs and not shutil.which("pdffonts"):
        packages.append("poppler-utils")
    if "browser" in needs and not any(map(shutil.which, BROWSERS)):
        packages.append(BROWSERS[0])
    if "browser" in needs and not _loads("libatomic.so.1"):
        packages.append("libatomic1")  # the driver's own Node wants it
    if "kafka" in needs and not shutil.which("java"):
        packages.append("default-jre-headless")
    if "kafka" in needs and not jars_are_there() and not shutil.which("mvn"):
        packages.append("maven")
    return packages


def install_packages(packages: Sequence[str]) -> None:
    """Install by apt-get as root or by password-less sudo; else stop with the one line to run."""
    names = " ".join(packages)
    if not shutil.which("apt-get"):
        raise SetupFailed(f"please install what Debian calls: {names}")
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if as_root and not works(["sudo", "-n", "true"]):
        line = f"apt-get update && apt-get install -y --no-install-recommends {names}"
        raise SetupFailed(f"as root, please run this once, then make again:\n\n  {line}\n")
    say(f"installing by apt-get: {names}")
    # sudo drops the environment, so the variable goes through env. Old lists give 404: update.
    apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    apt += ["-o", "DPkg::Lock::Timeout=120"]
    run([*apt, "-qq", "update"], quiet=True)
    asked = [_browser_here() if name in BROWSERS else name for name in packages]
    run([*apt, "install", "-y", "-qq", "--no-install-recommends", *asked], quiet=True)


def _browser_here() -> str:
    """Return apt's package of a browser: the shell, where there is none the whole of Chromium.

    Raises: SetupFailed, where apt has neither.
    """
    for name in BROWSERS:
        if works(["apt-cache", "show", name]):
            return name
    raise SetupFailed(
        f"apt-get has no {' and no '.join(BROWSERS)} here: please install Chromium, so that one of"
        f" these names is on the PATH, then make again"
    )


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def find_uv() -> str | None:
    """Return a uv that runs: the one on PATH, else the one in `.tools` made from today's pins."""
    on_path = shutil.which("uv")
    if on_path and works([on_path, "--version"]):
        return on_path
    ours = str(TOOLS / "bin" / "uv")
    whole = is_made(TOOLS, recipe(UV_PINS, extra="")) and works([ours, "--version"])
    return ours if whole else None


def make_uv() -> str:
    """Return the path of a working uv, installing one into `.tools` when there is none."""
    uv = find_uv()
    if uv:
        return uv
    say("fetching uv into .tools")
    shutil.rmtree(TOOLS, ignore_errors=True)  # a failed `python3 -m venv` leaves a half-made one
    run([_base_python(), "-m", "venv", str(TOOLS)], quiet=True)
    pip = [str(TOOLS / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    run([*pip, "install", "-q", "--require-hashes", "-r", str(UV_PINS)], quiet=True)
    mark_made(TOOLS, recipe(UV_PINS, extra=""))
    return str(TOOLS / "bin" / "uv")


def make_venv() -> None:
    """Bring `.venv` to exactly the pinned packages, with this checkout and its command in it."""
    say("installing the Python packages into .venv")
    python = _synced(VENV, PINS)
    # Not an editable install: that asks for a build back end, and `uv pip sync` would remove it.
    asked = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(asked, capture_output=True, check=True, text=True).stdout.strip()
    (Path(site) / "quotewright-checkout.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    command = VENV / "bin" / "quotewright"
    command.write_text(LAUNCHER, encoding="utf-8")
    command.chmod(0o755)
    mark_made(VENV, _venv_recipe())


def make_tryton() -> None:
    """Bring Tryton's own environment to exactly its pinned packages; no code of ours is in it."""
    say("installing Tryton into .local/tryton")
    _synced(TRYTON, TRYTON_PINS)
    mark_made(TRYTON, recipe(TRYTON_PINS, extra=str(ROOT)))


def _synced(place: Path, pins: Path) -> str:
    """Make an environment hold exactly these packages; returns its Python."""
    uv = make_uv()
    python = str(place / "bin" / "python")
    (place / STAMP).unlink(missing_ok=True)
    if not works([python, "-c", "import sys; sys.exit(sys.prefix == sys.base_prefix)"]):
        shutil.rmtree(place, ignore_errors=True)
        run([uv, "venv", "-q", "--no-project", "--python", _base_python(), str(place)], quiet=True)
    run([uv, "pip", "sync", "-q", "--require-hashes", "--python", python, str(pins)], quiet=True)
    return python


def lock() -> None:
    """Compile the requirement files: with hashes, without any address.

    Pins stay as they are where they still fit; the environment variable UPGRADE takes newer ones.
    """
    how = ["--universal", "--generate-hashes", "--no-header", "--no-annotate"]
    how += ["--python-version", ".".join(map(str, OLDEST_PYTHON))]
    how += ["--upgrade"] if os.environ.get("UPGRADE") else []
    sources = {
        "all.txt": ["pyproject.toml", "--group", "dev"],
        "runtime.txt": ["pyproject.toml", "-c", "requirements/all.txt"],
        "uv.txt": ["--group", "bootstrap"],
        "tryton.txt": ["requirements/tryton.in"],
    }
    with alone():
        uv = make_uv()
        for name, source in sources.items():
            say(f"compiling requirements/{name}")
            run([uv, "pip", "compile", *source, *how, "-o", f"requirements/{name}"], quiet=True)


def clean() -> None:
    """Remove what set-up and the local servers made: environment, jars, data, caches.

    Raises: SetupFailed, while a local server still runs on its data.
    """
    local = ROOT / ".local"
    for lock_file in local.rglob("*.lock"):
        with lock_file.open("a+", encoding="utf-8") as held:
            if not locked(held.fileno()):
                held.seek(0)
                raise SetupFailed(
                    f"{lock_file.parent} is in use by {held.read().strip() or 'a server'}"
                )
    remove_rooms(local)
    for each in (local, VENV, TOOLS, *(ROOT / name for name in CACHES)):
        shutil.rmtree(each, ignore_errors=True)


def remove_rooms(home: Path) -> None:
    """Remove the PostgreSQL data that root keeps outside, of every server home below `home`."""
    for room in home.rglob("postgres"):
        if room.is_symlink() and room.resolve().parent == ROOTS_ROOMS:
            shutil.rmtree(room.resolve(), ignore_errors=True)


def _base_python() -> str:
    """Return the interpreter behind this one: a venv never stands on another venv."""
    return getattr(sys, "_base_executable", "") or sys.executable


def _venv_recipe() -> str:
    """Hash what `.venv` is made from; its place counts, since a moved venv has wrong paths."""
    return recipe(PINS, extra=f"{ROOT}\n{LAUNCHER}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
