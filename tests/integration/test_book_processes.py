"""Two processes of the pricer on one database: what one publishes, the other uses at once."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.settings import Settings
from quotewright.laptop import free_port
from tests.integration.pricer_service import a_version, an_ask, settings_of, token_of
from tests.unit.pricer.test_pricer_shelf import a_catalogue
from tests.unit.pricer.test_pricer_shelf import a_version as a_file

START_S, STOP_S, AT_ONCE_S = 60.0, 15.0, 1.0
PUBLISHED = 6


class Process:
    """One process of the service, and who asks it."""

    def __init__(self, settings: Settings, log: Path) -> None:
        port = free_port()
        kept = {name: text for name, text in os.environ.items() if not name.startswith("QW_")}
        mine = {
            "QW_DSN": settings.dsn.get_secret_value(),
            "QW_JWT_PUBLIC_KEYS": settings.jwt_public_keys,
            "QW_CATALOG_DIR": str(settings.catalog_dir),
            "QW_HTTP_PORT": str(port),
        }
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                # It dies with us, however we end.
                ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "services.pricer.main"],
                cwd=Path(__file__).parents[2],
                env={**kept, **mine},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self._log = log
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)
        self.pid = self._process.pid

    def wait_until_ready(self) -> None:
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            assert self._process.poll() is None, self._log.read_text()
            try:
                if self._http.get("/readyz").is_success:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError(self._log.read_text())

    def asks(self, method: str, path: str, body: Any, token: str) -> Any:
        headers = {"authorization": f"Bearer {token}"}
        answer = self._http.request(method, f"/pricer{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    def end(self) -> None:
        self._http.close()
        self._process.terminate()
        assert self._process.wait(STOP_S) == 0, self._log.read_text()


class Reader(threading.Thread):
    """Asks a process for a price without a pause, and remembers what it was priced with."""

    def __init__(self, process: Process, token: str) -> None:
        super().__init__(daemon=True)
        self._process, self._token = process, token
        self._over = threading.Event()
        self.seen: list[tuple[float, int, str]] = []

    def run(self) -> None:
        while not self._over.is_set():
            asked_at = time.monotonic()
            self.seen.append((asked_at, *priced(self._process, self._token)))

    def end(self) -> None:
        self._over.set()
        self.join(STOP_S)


def priced(process: Process, token: str) -> tuple[int, str]:
    """Return the version and the net that a process prices with now."""
    found = process.asks("POST", "/preview", an_ask(day=today()), token)
    return found["book"]["version"], found["totals"]["net"]["amount"]


def today() -> str:
    return datetime.now(UTC).date().isoformat()


@pytest.fixture
def processes(make_database: Any, tmp_path: Path) -> Iterator[tuple[tuple[Process, ...], str]]:
    """Two processes that run, and the token of a manager."""
    catalogue = a_catalogue(tmp_path / "catalogue", a_file(1))
    settings, key = settings_of(make_database, tmp_path, catalogue)
    with ExitStack() as stack:
        found = []
        for number in (1, 2):
            found.append(Process(settings, tmp_path / f"{number}.log"))
            stack.callback(found[-1].end)
        for each in found:
            each.wait_until_ready()
        yield tuple(found), token_of(settings, key, "manager-1", "manager", datetime.now(UTC))


def test_what_one_process_publishes_prices_in_the_other_at_once_and_is_never_stale(
    processes: tuple[tuple[Process, ...], str],
) -> None:
    """Each publishes in turn, while both are asked without a pause."""
    both, token = processes
    assert len({os.getpid(), *(each.pid for each in both)}) == 3
    readers = [Reader(each, token) for each in both]
    for each in readers:
        each.start()
    known_from: dict[int, float] = {}
    try:
        for version in range(2, 2 + PUBLISHED):
            one, other = both if version % 2 else both[::-1]
            path = f"/books/bts/{version}"
            price = f"{10 + version}.50"
            draft = one.asks("PUT", path, a_version(version, price), token)
            said = {"sha256": draft["sha256"], "reason": "prices of the season"}
            began = time.monotonic()
            one.asks("POST", f"{path}/publish", said, token)
            known_from[version] = time.monotonic()
            assert priced(other, token) == (version, price)
            assert time.monotonic() - began < AT_ONCE_S
    finally:
        for each in readers:
            each.end()
    for reader in readers:
        assert reader.seen, "both were asked all the time"
        for asked_at, version, net in reader.seen:
            assert net == (f"{10 + version}.50" if version > 1 else "10.00")
            published = [each for each, at in known_from.items() if at <= asked_at]
            assert version >= max(published, default=1), "asked after it was published elsewhere"
