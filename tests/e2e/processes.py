"""Services as a company runs them: each in a process of its own, behind one ingress."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from quotewright.laptop import ROOT, Laptop, free_port
from quotewright.prefixes import PREFIXES
from tests.e2e.ingress import Ingress

START_S, STOP_S = 60.0, 15.0
TAIL_LINES = 40


class Apart:
    """Six processes and the ingress; a context manager, ends what it started."""

    def __init__(self, laptop: Laptop, **settings: Any) -> None:
        self._laptop = laptop
        self._settings = settings
        self._ports = {name: free_port() for name in PREFIXES}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.logs = {name: laptop.home / f"{name}.log" for name in PREFIXES}

    def start(self, *names: str) -> None:
        """Start these services (all, if none is named) and return when each is ready."""
        for name in names or PREFIXES:
            self._spawn(name)
        for name in names or PREFIXES:
            self._await(name)

    def kill(self, name: str) -> None:
        """End a service as a power cut would."""
        process = self._running.pop(name)
        process.kill()
        process.wait(STOP_S)

    def terminate(self, *names: str) -> Mapping[str, int]:
        """Ask services to end, all at once; returns their exit codes. A late one is killed."""
        ending = {name: self._running.pop(name) for name in names}
        for process in ending.values():
            process.send_signal(signal.SIGTERM)
        until = time.monotonic() + STOP_S
        codes = {}
        for name, process in ending.items():
            try:
                codes[name] = process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                codes[name] = process.wait(STOP_S)
        return codes

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._ports[name]}"

    def tails(self) -> dict[str, str]:
        """Return the last lines of every log, for a failing test."""
        return {name: tail(log) for name, log in self.logs.items()}

    def __enter__(self) -> Self:
        peers = {name: self.url(name) for name in PREFIXES}
        self._settings = {"peers": peers, "log_level": "info", **self._settings}
        routes = {prefix: self.url(name) for name, prefix in PREFIXES.items()}
        self._ingress = Ingress(self._laptop.port, routes)
        try:
            self.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        codes = self._end()
        assert set(codes.values()) <= {0}, codes

    def _end(self) -> Mapping[str, int]:
        codes = self.terminate(*self._running)
        self._ingress.close()
        return codes

    def _spawn(self, name: str) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("QW_")}
        mine = self._laptop.environment(**self._settings, http_port=self._ports[name])
        with self.logs[name].open("ab") as log:
            self._running[name] = subprocess.Popen(
                # It dies with us, however we end.
                ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", f"services.{name}.main"],
                cwd=ROOT,
                env={**kept, **mine},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _await(self, name: str) -> None:
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            code = self._running[name].poll()
            assert code is None, f"{name} ended with {code}:\n{tail(self.logs[name])}"
            try:
                if httpx.get(f"{self.url(name)}/readyz", timeout=5, trust_env=False).is_success:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{name} is not ready after {START_S} s:\n{tail(self.logs[name])}")


def tail(log: Path) -> str:
    if not log.exists():
        return ""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:])
