"""A program of another make that prices baskets, talked to through a pipe: an ask, an answer.

It is a process with an environment of its own, so none of its code comes into ours.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Any, Self

ANSWER_DEADLINE_S = 600.0


class PeerFailed(Exception):
    """The peer gave no answer; the message says where it wrote why."""


class Peer:
    """The process of a peer, and its log. One ask at a time."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as written:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=written,
                env=environment,
                text=True,
            )

    def ask(self, kind: str, about: object, deadline_s: float = ANSWER_DEADLINE_S) -> Any:
        """Ask and wait for the answer.   Raises: PeerFailed, if it ended or the time is over."""
        assert self._process.stdin
        assert self._process.stdout
        late = Timer(deadline_s, self._process.kill)
        late.start()
        try:
            self._process.stdin.write(json.dumps({"ask": kind, "about": about}) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            late.cancel()
        if not answer.endswith("\n"):
            last = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
            raise PeerFailed(
                f"no answer to '{kind}' within {deadline_s:g} s; its last words:\n"
                + "\n".join(last)
            )
        return json.loads(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let it end by itself, as there is nothing more to read; else end it."""
        assert self._process.stdin
        assert self._process.stdout
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
