"""A server program as our child: alone on its data, dying with us, stopped by the pid we started.

Shared by the laptop's PostgreSQL (`infra.local`) and Kafka (`infra.local_kafka`).
"""

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from contracts.errors import Unavailable
from infra.steps import locked

# A server whose starter was killed needs a moment to end; who holds the data longer really runs.
LOCK_WAIT_S = 5.0
POLL_S = 0.02
LOG_TAIL_LINES = 12
# A file system in memory, as Linux mounts it; in a container it may be far too small.
MEMORY = Path("/dev/shm")  # noqa: S108, only private directories are made there
ROOMY = 4 << 30


class LocalServerFailed(Unavailable):
    """A local server did not start, or its data are in use; the message says who or why."""

    code = "local.server_failed"
    title = "The local server does not run"


def passing_home() -> Path:
    """Make the home of a server for tests: in memory if there is room, since disks are slow.

    Its data are thousands of small files, which a disk takes longer to remove than to write.
    """
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and _free(MEMORY) >= ROOMY
    return Path(tempfile.mkdtemp(prefix="quotewright-", dir=MEMORY if roomy else None))


def _free(place: Path) -> int:
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


class ServerProcess:
    """One server process of a laptop.

    Args:
        name: what people call it, for messages.
        log: file that takes its output, appended to.
        lock: file whose lock says "this data directory is in use".
        stop_signals: signal and seconds of patience, from the polite to the certain.
        orphan_signal: what the kernel sends it when its starter dies, as `setpriv` spells it.
    """

    def __init__(
        self,
        name: str,
        *,
        log: Path,
        lock: Path,
        stop_signals: Mapping[signal.Signals, float],
        orphan_signal: str,
    ) -> None:
        self.name = name
        self.log = log
        self._lock = lock
        self._stop_signals = stop_signals
        self._orphan_signal = orphan_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process we started is alive; reaps it when it is not."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The pid of the process we started."""
        if self._process is None:
            raise LocalServerFailed(f"{self.name} was not started")
        return self._process.pid

    @contextlib.contextmanager
    def sole_use(self) -> Iterator[int]:
        """Hold the data directory for preparing and starting; give the result to `spawn`.

        The server inherits the lock, so it is free only after the server's last process has ended:
        also those that outlive a `kill -9` of the first by a moment.

        Raises: LocalServerFailed, naming the process that started the server, if it stays in use.
        """
        with self._lock.open("a+", encoding="utf-8") as held:
            deadline = time.monotonic() + LOCK_WAIT_S
            while not locked(held.fileno()):
                if time.monotonic() > deadline:
                    held.seek(0)
                    owner = held.read().strip() or "another process"
                    message = f"{self.name} already runs on {self._lock.parent}, started by {owner}"
                    raise LocalServerFailed(message)
                time.sleep(POLL_S)
            held.truncate(0)
            held.write(_who_we_are())
            held.flush()
            yield held.fileno()

    def spawn(
        self, command: Sequence[str], *, held: int, as_user: Sequence[str], cwd: Path
    ) -> None:
        """Start the program; it ends when we do, however we end.

        Args:
            command: program and arguments.
            held: the lock from `sole_use`.
            as_user: further options of `setpriv`, to drop root; empty to stay who we are.
            cwd: its working directory.

        Raises: LocalServerFailed, outside the main thread: it dies with the starting thread.
        """
        if threading.current_thread() is not threading.main_thread():
            raise LocalServerFailed(f"{self.name} must be started from the main thread")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", self._orphan_signal, *as_user, *command],
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[held],
                # Ctrl-C is for the starter, which then stops its servers in the right order.
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], bool], *, deadline_s: float) -> None:
        """Block until `ready()`; kill the server and raise if it ends or is not ready in time."""
        deadline = time.monotonic() + deadline_s
        while not ready():
            if not self.running:
                raise self._failed(f"ended while starting (exit code {self._exit_code()})")
            if time.monotonic() > deadline:
                self.kill()
                raise self._failed(f"was not ready after {deadline_s:g} s")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """End the server, politely first; return when it is gone. Harmless if it does not run."""
        for each, patience_s in self._stop_signals.items():
            if not self.running:
                return
            self._signal(each)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._wait(patience_s)
        if self.running:
            raise self._failed("could not be stopped")

    def ask_to_stop(self) -> None:
        """Send the polite signal and return at once; `stop` sees it through."""
        if self.running:
            self._signal(next(iter(self._stop_signals)))

    def kill(self, by: signal.Signals = signal.SIGKILL) -> None:
        """End the server by one signal, at once as a power cut would; returns when it is gone."""
        if self.running:
            self._signal(by)
            self._wait(10)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _wait(self, patience_s: float) -> None:
        if self._process is not None:
            self._process.wait(patience_s)

    def _exit_code(self) -> int | None:
        return self._process.returncode if self._process else None

    def _failed(self, what: str) -> LocalServerFailed:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        tail = "\n  ".join(lines[-LOG_TAIL_LINES:])
        return LocalServerFailed(f"{self.name} {what}; its log is {self.log}:\n  {tail}")


def _who_we_are() -> str:
    words = Path("/proc/self/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return f"process {os.getpid()} ({words.strip()[:200]})\n"
