"""Each service runs as a company runs it, `python -m services.<name>.main`, with the other five unimportable."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("quotes", "configurator", "pricer", "approvals", "documents", "crm_projector")
SCHEMAS = {"crm_projector": ["crm_projector", "bi"]}
START_S = 90.0
STOP_S = 20.0

# Python imports this by itself at its start, in the service's process and in all that it starts.
BLOCKER = """
import sys
from importlib.abc import MetaPathFinder

BLOCKED = {blocked!r}


class Blocker(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if any(name == each or name.startswith(each + ".") for each in BLOCKED):
            raise ImportError(f"{{name}} does not exist here")
        return None


sys.meta_path.insert(0, Blocker())
"""


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def environment(folder: Path, alone: str, **settings: str) -> dict[str, str]:
    """The environment of a process in which only one service, and nothing above services, can be imported."""
    blocked = ["quotewright", "tests", *(f"services.{each}" for each in SERVICES if each != alone)]
    (folder / "sitecustomize.py").write_text(BLOCKER.format(blocked=blocked), encoding="utf-8")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        "PYTHONDONTWRITEBYTECODE": "1",
        **settings,
    }


@contextmanager
def running(service: str, env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the service; whatever happens it does not outlive the test."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", f"services.{service}.main"],
            cwd=ROOT,
            env=env,
            stdout=out,
            stderr=out,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def answer(process: subprocess.Popen[bytes], address: str, log: Path) -> httpx.Response:
    """Ask until the answer is 200; a process that ended or is late fails the test with its log."""
    until = time.monotonic() + START_S
    last = "nobody answers"
    while time.monotonic() < until and process.poll() is None:
        try:
            found = httpx.get(address, timeout=5)
            if found.status_code == 200:
                return found
            last = f"{found.status_code} {found.text}"
        except httpx.TransportError as fault:
            last = repr(fault)
        time.sleep(0.1)
    pytest.fail(
        f"{address}: {last}; exit code {process.poll()}\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_gets_ready_and_stops_with_the_other_five_unimportable(
    service: str,
    make_database: Callable[..., Any],
    make_home: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    database = make_database(**{service: SCHEMAS.get(service, [service])})
    port = free_port()
    env = environment(
        tmp_path,
        service,
        QW_DSN=database.dsn(service),
        QW_HTTP_PORT=str(port),
        QW_CATALOG_DIR=str(ROOT / "catalogs" / "telecom"),
        QW_LOCAL_DIR=str(make_home("local")),
        QW_LINK_KEY="only-for-this-test-" + "x" * 32,
    )
    log = tmp_path / "service.log"

    with running(service, env, log) as process:
        health = answer(process, f"http://127.0.0.1:{port}/healthz", log)
        ready = answer(process, f"http://127.0.0.1:{port}/readyz", log)
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=STOP_S)

    assert health.headers["content-type"] == "application/json"
    lag = ready.json()["lag"]
    assert {name.partition(".")[0] for name in lag} == {service}
    assert f"{service}.quotewright.facts" in lag
    assert code == 0, log.read_text(encoding="utf-8", errors="replace")[-3000:]


@pytest.mark.parametrize(
    "blocked", ["services.quotes.main", "services.documents.domain", "quotewright.cli"]
)
def test_the_blocker_blocks(blocked: str, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", f"import {blocked}"],
        cwd=ROOT, env=environment(tmp_path, "pricer"), capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert run.returncode == 1
    assert "does not exist here" in run.stderr
