"""One worker process: started with an empty environment, asked over a socket, ended for certain.

The socket is the worker's life line: when this process ends, however it ends, the worker reads the
end of it and ends too. (A death signal from the kernel would fire with the thread that started it.)
"""

import json
import select
import socket
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from services.documents.brands import Stationery
from services.documents.domain.specimen import specimen_of
from services.documents.frames import read_frame, send_frame

ROOT = Path(__file__).parents[2]
MEMORY_BYTES = 1536 * 1024 * 1024
CPU_S = 30
# Counts up when the way the faces are cut changes, so that old ones are not taken for new.
CUT = 1


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What a worker is told when it starts: one JSON document."""

    first_frame: bytes


def setup_of(stationery: Stationery, font_source: Path, cache: Path) -> WorkerSetup:
    """Describe a worker for this stationery; its fonts are cut into the cache, once per version.

    It prints a specimen of each brand before it says that it is ready.
    """
    source = sha256(font_source.read_bytes()).hexdigest()
    packages = f"{version('fonttools')}-{CUT}"
    letterheads = stationery.letterheads
    start = {
        "template": stationery.template,
        "styles": {brand: each.style for brand, each in letterheads.items()},
        "logos": {brand: each.logo for brand, each in letterheads.items()},
        "font_source": str(font_source.resolve()),
        "font_folder": str(cache.resolve() / f"{source[:16]}-{packages}"),
        "typeface": f"inter {source[:12]}",
        "memory_bytes": MEMORY_BYTES,
        "cpu_s": CPU_S,
        "warm_up": [
            specimen_of(each.brand).model_dump(mode="json") for each in letterheads.values()
        ],
    }
    return WorkerSetup(json.dumps(start).encode())


class WorkerProcess:
    """A running worker. Not for several threads at once: the renderer gives turns."""

    def __init__(self, process: subprocess.Popen[bytes], link: socket.socket) -> None:
        self._process = process
        self._link = link
        self._ready = False
        self.engine = ""
        self.documents = 0

    @classmethod
    def start(cls, setup: WorkerSetup) -> "WorkerProcess":
        """Start a worker and tell it what it needs, without waiting for its answer."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "services.documents.worker"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=ROOT,
                # No secret of the service reaches the process that lays out other people's text.
                env={"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"},
            )
        worker = cls(process, ours)
        try:
            ours.settimeout(5.0)
            send_frame(ours, setup.first_frame)
        except OSError:
            process.kill()  # the greeting will tell
        return worker

    @property
    def process_id(self) -> int:
        """The worker's process id."""
        return self._process.pid

    def greeted(self) -> bool:
        """Say whether the worker is warm, without waiting."""
        if not self._ready and select.select([self._link], [], [], 0)[0]:
            try:
                self.await_greeting(1.0)
            except (OSError, EOFError, ValueError, RuntimeError):
                return False
        return self._ready

    def await_greeting(self, deadline_s: float) -> None:
        """Wait until the worker is warm.

        Raises: RuntimeError, with its own words, if it could not get ready; EOFError, if it died;
        TimeoutError.
        """
        if self._ready:
            return
        self._link.settimeout(deadline_s)
        greeting = json.loads(read_frame(self._link))
        if not greeting["ready"]:
            raise RuntimeError(greeting["message"])
        self._ready, self.engine = True, greeting["engine"]

    def ask(self, page: bytes, deadline_s: float) -> tuple[dict[str, Any], bytes]:
        """Send a page model, wait for the answer.   Raises: TimeoutError; EOFError; OSError."""
        self._link.settimeout(deadline_s)
        send_frame(self._link, page)
        head: dict[str, Any] = json.loads(read_frame(self._link))
        content = read_frame(self._link)
        self.documents += 1
        return head, content

    def stop(self) -> None:
        """End the process, now; nothing is lost, since an answer is taken or asked for again."""
        self._link.close()
        self._process.kill()
        self._process.wait(timeout=5)
