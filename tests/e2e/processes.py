"""Services as a company runs them: each in a process of its own, behind one ingress."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from quotewright.laptop import ROOT, Laptop, free_port
from quotewright.prefixes import PREFIXES
from tests.e2e.ingress import Ingress

START_S, STOP_S = 180.0, 15.0
TAIL_LINES = 40


@dataclass(frozen=True)
class Program:
    """What runs as one process: words after `python`, from which folder, further variables.

    `prefix` is the path that the ingress hands on to it, if any.
    """

    words: tuple[str, ...]
    prefix: str | None = None
    folder: Path = ROOT
    variables: Mapping[str, str] = field(default_factory=dict)


HOUSE: Mapping[str, Program] = {
    name: Program(("-m", f"services.{name}.main"), prefix) for name, prefix in PREFIXES.items()
}


class Apart:
    """Processes (the six services) and the ingress; a context manager, ends what it started."""

    def __init__(
        self, laptop: Laptop, programs: Mapping[str, Program] = HOUSE, **settings: Any
    ) -> None:
        self.programs = dict(programs)
        self._laptop = laptop
        self._settings = settings
        self._ports = {name: free_port() for name in programs}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.logs = {name: laptop.home / f"{name}.log" for name in programs}

    def start(self, *names: str) -> None:
        """Start these services (all, if none is named) and return when each is ready."""
        for name in names or self.programs:
            self.spawn(name)
        for name in names or self.programs:
            self.wait_until_ready(name)

    def add(self, name: str, program: Program) -> None:
        """Know one more process; `start` starts it."""
        self.programs[name] = program
        self._ports[name] = free_port()
        self.logs[name] = self._laptop.home / f"{name}.log"

    def died(self, name: str) -> bool:
        """Say whether a process has ended by itself; it is then forgotten and can be started."""
        if self._running[name].poll() is None:
            return False
        del self._running[name]
        return True

    def kill(self, name: str) -> None:
        """End a service as a power cut would."""
        process = self._running.pop(name)
        process.kill()
        process.wait(STOP_S)

    def pause(self, name: str) -> None:
        """Freeze a service where it stands, as a machine that does not answer any more."""
        self._running[name].send_signal(signal.SIGSTOP)

    def frozen(self, name: str) -> bool:
        """Say whether a service has frozen since it was last asked."""
        wanted = os.WSTOPPED | os.WNOHANG
        return os.waitid(os.P_PID, self._running[name].pid, wanted) is not None

    def resume(self, name: str) -> None:
        """Let a frozen service go on, as if nothing had happened."""
        self._running[name].send_signal(signal.SIGCONT)

    def terminate(self, *names: str) -> Mapping[str, int]:
        """Ask services to end, all at once; returns their exit codes. A late one is killed."""
        ending = {name: self._running.pop(name) for name in names}
        for process in ending.values():
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGCONT)  # a frozen one hears nothing
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
        peers = {name: self.url(name) for name in self.programs}
        self._settings = {"peers": peers, "log_level": "info", **self._settings}
        named = self.programs.items()
        routes = {each.prefix: self.url(name) for name, each in named if each.prefix}
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

    def spawn(self, name: str) -> None:
        """Start a process and return at once."""
        program = self.programs[name]
        kept = {key: value for key, value in os.environ.items() if not key.startswith("QW_")}
        mine = self._laptop.environment(**self._settings, http_port=self._ports[name])
        with self.logs[name].open("ab") as log:
            self._running[name] = subprocess.Popen(
                # It dies with us, however we end.
                ["setpriv", "--pdeathsig", "KILL", sys.executable, *program.words],
                cwd=program.folder,
                env={**kept, **mine, **program.variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self, name: str) -> None:
        """Return when a started process says that it can serve."""
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
