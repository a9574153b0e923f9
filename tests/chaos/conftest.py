"""The faults of a run: two drawn ones in `make test`, all of them in `make prove`; and their table.

CHAOS_SEED repeats a draw. A fault is drawn only if it is marked `drawable`, that is, short.
"""

import os
import random
from collections.abc import Callable, Iterator

import pytest

from tests.chaos.ground import Ground, ground
from tests.chaos.loading import Load
from tests.chaos.proof import TABLE, Proof, markdown, row_of
from tests.conftest import proving
from tests.e2e.place import Place

DRAWN = 2
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
LINES: list[str] = []


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep two of the short faults, chosen by the seed; keep all in a run of proofs."""
    faults = [each for each in items if each.get_closest_marker("prove")]
    if proving(config) or not faults:
        return
    short = sorted((each for each in faults if each.get_closest_marker("drawable")), key=name_of)
    drawn = random.Random(SEED).sample(short, min(DRAWN, len(short)))
    left = [each for each in faults if each not in drawn]
    items[:] = [each for each in items if each not in left]
    config.hook.pytest_deselected(items=left)
    LINES[:] = [f"chaos: CHAOS_SEED={SEED} draws {', '.join(name_of(each) for each in drawn)}"]


def name_of(item: pytest.Item) -> str:
    return item.nodeid.rpartition("::")[2]


def pytest_report_collectionfinish() -> list[str]:
    """Print the draw, so that a failing one can be repeated."""
    return LINES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of all faults of this run."""
    if TABLE:
        terminalreporter.section("faults")
        terminalreporter.write_line(markdown())
    for line in LINES:
        terminalreporter.write_line(line)


@pytest.fixture(scope="package")
def ground_() -> Iterator[Ground]:
    """One PostgreSQL and one broker that these tests may kill."""
    with ground() as servers:
        yield servers


@pytest.fixture
def servers(ground_: Ground) -> Iterator[Ground]:
    """The servers, running; whatever a test did to them is undone after it."""
    ground_.mend()
    yield ground_
    ground_.mend()


@pytest.fixture
def load(servers: Ground) -> Iterator[Load]:
    """Teller and hearer over the broker, reached directly."""
    with servers.load() as running:
        yield running


@pytest.fixture(scope="package")
def house_(ground_: Ground) -> Iterator[Place]:
    """The six services as processes of their own."""
    with ground_.house() as place:
        yield place


@pytest.fixture
def house(house_: Place, servers: Ground) -> Place:
    """The six services, on servers that run."""
    del servers
    return house_


@pytest.fixture
def prove(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Proof]]:
    """Open the row of a fault in the table; a test that fails leaves it broken.

    In a long run each row is told as soon as it is known.
    """
    first = len(TABLE)

    def open_(fault: str) -> Proof:
        proof = Proof(fault)
        TABLE.append(proof)
        return proof

    yield open_
    plugins = request.config.pluginmanager
    reporter, capture = plugins.get_plugin("terminalreporter"), plugins.get_plugin("capturemanager")
    if reporter is None or capture is None or not proving(request.config):
        return
    with capture.global_and_fixture_disabled():
        for each in TABLE[first:]:
            reporter.write_line("\n" + " | ".join(row_of(each)))
