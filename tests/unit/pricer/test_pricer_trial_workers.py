"""The processes of a what-if: what kills them at once is told, not waited for."""

import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import ModuleType

import pytest

from infra.setup import LAUNCHER
from services.pricer.domain.what_ifs.trial import Versions
from services.pricer.trial_workers import Workers
from tests.unit.pricer.history import BOOK, shelf

SOON_S = 30.0


def versions() -> Versions:
    """What a worker must know; more than a pipe holds at once."""
    found = shelf()
    return Versions(found.compiled, found.tables, found.compiled[BOOK], None, None)


def started_by(monkeypatch: pytest.MonkeyPatch, path: Path, text: str) -> None:
    """Let this process be one that a script has started: its workers read that again."""
    path.write_text(text)
    main = ModuleType("__main__")
    main.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "__main__", main)


def test_a_worker_that_dies_before_it_has_read_everything_breaks_the_pool(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Story: it was waited for without an end, and no what-if ever ran again."""
    started_by(monkeypatch, tmp_path / "dies.py", "raise SystemExit(3)\n")
    workers = Workers(versions(), 1)
    try:
        with pytest.raises(BrokenProcessPool):
            workers.part(()).result(SOON_S)
    finally:
        workers.close()


def test_a_house_started_by_the_command_does_not_begin_anew_in_its_workers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Story: `make demo` is started by the console script, and each worker began a demo."""
    started_by(monkeypatch, tmp_path / "quotewright.py", LAUNCHER)
    workers = Workers(versions(), 1)
    try:
        _, rows = workers.part(()).result(SOON_S)
        assert rows == []
    finally:
        workers.close()
