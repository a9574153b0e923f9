"""What the works of one batch share, until they are committed together."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from infra.written import Body, Recorded


@dataclass(slots=True)
class Batch:
    """What the works of one batch share: streams, names, bodies as they will be; a scratch pad.

    A handler that writes once for the whole batch puts a call into `before_commit`: it is made when
    every record is handled, and may add to the works. `after_commit` is called once it is written,
    and never if that failed or its answer was lost.
    """

    streams: dict[str, list[Recorded]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, Body] = field(default_factory=dict)
    scratch: dict[Any, Any] = field(default_factory=dict)
    before_commit: list[Callable[[], None]] = field(default_factory=list)
    after_commit: list[Callable[[], None]] = field(default_factory=list)

    def decided(self) -> None:
        """Make the calls that wait for the last record of the batch."""
        for call in self.before_commit:
            call()

    def committed(self) -> None:
        """Make the calls that wait for the commit."""
        for call in self.after_commit:
            call()
