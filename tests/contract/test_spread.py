"""Tests that share a house run in one process, also where `make test` uses several."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.spread import EARLY, GROUPS, TOLD, Tellings, group_of, in_order, tell

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/pages/test_looks.py::test_a[x]", "tests/pages/"),
        ("tests/pages/test_guided.py::test_b", "tests/pages/"),
        ("tests/e2e/test_kill.py::test_a[over_kafka-1]", "tests/e2e/over_kafka"),
        ("tests/e2e/test_kill.py::test_a[embedded-1]", "tests/e2e/embedded"),
        ("tests/e2e/test_own_houses.py::test_a", "tests/e2e/test_own_houses.py"),
        ("tests/chaos/test_relay.py::test_a[embedded]", "tests/chaos/"),
        ("tests/unit/infra/test_log.py::TestOne::test_a", "tests/unit/infra/test_log.py"),
    ],
)
def test_what_shares_a_house_is_one_group(nodeid: str, group: str) -> None:
    assert group_of(nodeid) == group


def test_what_takes_long_comes_first_and_the_rest_keeps_its_order() -> None:
    short = [f"tests/unit/test_{each}.py::test" for each in "ba"]
    given = [*short, "tests/e2e/test_z.py::test", "tests/pages/test_y.py::test"]
    items = [SimpleNamespace(nodeid=each) for each in given]
    found = [each.nodeid for each in in_order(items)]  # type: ignore[arg-type]
    assert found == [given[3], given[2], *short]


def test_every_folder_that_is_named_is_there() -> None:
    named = {folder for folder, _ in GROUPS} | {*EARLY}
    assert {each for each in named if not (ROOT / each).is_dir()} == set()


def test_what_the_processes_tell_is_printed_once() -> None:
    printed: list[str] = []
    config = SimpleNamespace(workeroutput={})
    tell(config, ["the draw", "a table"])  # type: ignore[arg-type]
    node, other = (SimpleNamespace(workeroutput=each) for each in (config.workeroutput, {}))
    other.workeroutput = {TOLD: ["the draw"]}
    tellings = Tellings()
    for each in (node, other, SimpleNamespace()):  # the last one died without a word
        tellings.pytest_testnodedown(each, None)
    reporter = SimpleNamespace(write_line=printed.append)
    tellings.pytest_terminal_summary(reporter)  # type: ignore[arg-type]
    assert printed == ["the draw", "a table"]
