"""How `make test` spreads the tests over processes, and how these say in the end what they found.

Each process starts servers of its own. Tests that share a house are one group, told by their path,
and run in one process one after another; else a file is a group. Groups that take long come first,
so that the short ones fill what is left. Without xdist's `-n`, all run here and in this order.
"""

from collections.abc import Iterable
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TOLD = "told"
# What begins so, and has this in its name, shares what it runs on; the longest first.
GROUPS = (
    ("tests/pages/", ""),
    ("tests/e2e/", "over_kafka"),
    ("tests/chaos/", ""),
    ("tests/e2e/", "embedded"),
)
# Files of these folders wait or compute for long; all others follow.
EARLY = ("tests/e2e/", "tests/isolation/", "tests/simulation/", "tests/integration/")


def group_of(nodeid: str) -> str:
    """Return the group of a test: what it shares a house with, or its file."""
    path, _, name = nodeid.partition("::")
    for folder, word in GROUPS:
        if path.startswith(folder) and word in name:
            return f"{folder}{word}"
    return path


def in_order(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return the tests with those first that take longest; else as they were collected."""
    first = [f"{folder}{word}" for folder, word in GROUPS]

    def rank(item: pytest.Item) -> int:
        group = group_of(item.nodeid)
        if group in first:
            return first.index(group)
        early = [number for number, each in enumerate(EARLY) if group.startswith(each)]
        return len(first) + (early[0] if early else len(EARLY))

    return sorted(items, key=rank)


class Spread(LoadScopeScheduling):
    """Gives each process one group after another."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


class Tellings:
    """Gathers what the processes have to say, and prints each text once."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Spread:
        return Spread(config, log)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        output = getattr(node, "workeroutput", None) or {}
        self._texts |= dict.fromkeys(output.get(TOLD, ()))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for text in self._texts:
            terminalreporter.write_line(text)


def tell(config: pytest.Config, texts: list[str]) -> None:
    """Leave texts for the process that prints; without xdist that is this one, and does it itself."""
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output[TOLD] = [*output.get(TOLD, ()), *texts]
