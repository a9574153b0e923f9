"""Places to walk on: all services in one process, and each in its own over a real Kafka."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from infra.clock import wall_clock
from infra.local import SUPERUSER, LocalPostgres
from infra.local_kafka import LocalKafka
from infra.reading import Clock
from infra.service import House, Serving
from quotewright.demo import stage
from quotewright.house import BUILDERS
from quotewright.laptop import Laptop, Servers
from tests.e2e.place import Place
from tests.e2e.processes import Apart

_numbers = count(1)


@pytest.fixture(scope="session")
def home(make_home: Callable[[str], Path]) -> Path:
    """One home for all houses of the session: keys are made once."""
    return make_home("home")


@pytest.fixture(scope="package")
def embedded(postgres: LocalPostgres, home: Path) -> Iterator[Place]:
    """Six services in this process, on the embedded bus, with a CRM and approvers around."""
    database = f"e2e_{next(_numbers)}"
    houses: list[House] = []

    def serve(prepared: Laptop) -> Serving:
        houses.append(House(prepared.settings(), BUILDERS))
        return Serving(houses[0])

    with stage(Laptop(home, "embedded", Servers(postgres, None, database)), serve) as running:
        place = Place(running, postgres.dsn(SUPERUSER, database), house=houses[0])
        yield place
        place.close()


@pytest.fixture(scope="package")
def over_kafka(postgres: LocalPostgres, kafka: LocalKafka, home: Path) -> Iterator[Place]:
    """Six processes over a real Kafka, behind one ingress; each must end cleanly in the end."""
    number = next(_numbers)
    database = f"e2e_{number}"
    topics = {
        "facts_topic": f"e2e-{number}.facts",
        "inbound_topic": f"e2e-{number}.crm.inbound",
        "parked_topic": f"e2e-{number}.parked",
    }
    laptop = Laptop(home, "kafka", Servers(postgres, kafka, database))
    apart: list[Apart] = []

    def serve(prepared: Laptop) -> Apart:
        apart.append(Apart(prepared, **topics))
        return apart[0]

    with stage(laptop, serve) as running:
        place = Place(
            running,
            postgres.dsn(SUPERUSER, database),
            {
                "quotewright.facts": topics["facts_topic"],
                "quotewright.crm.inbound": topics["inbound_topic"],
            },
            apart[0],
            kafka.bootstrap,
        )
        yield place
        place.close()


@pytest.fixture
def open_place(postgres: LocalPostgres, home: Path) -> Iterator[Callable[..., Place]]:
    """Open houses of a test's own: with a clock to move, a catalogue to spoil."""
    with ExitStack() as stack:

        def open_(clock: Clock = wall_clock, catalog: Path | None = None) -> Place:
            database = f"e2e_{next(_numbers)}"
            laptop = Laptop(home, "embedded", Servers(postgres, None, database))
            ready = Restartable(laptop, clock, catalog)
            running = stack.enter_context(stage(laptop, lambda _: ready, clock))
            place = Place(running, postgres.dsn(SUPERUSER, database), restart=ready.restart)
            stack.callback(place.close)
            return place

        yield open_


class Restartable:
    """A house that can be stopped and started again, with another catalogue."""

    def __init__(self, laptop: Laptop, clock: Clock, catalog: Path | None) -> None:
        self._laptop = laptop
        self._clock = clock
        self._catalog = catalog
        self._stack = ExitStack()

    def restart(self, catalog: Path | None = None) -> None:
        """Stop, and start with this catalogue, or with the project's own."""
        self._stack.close()
        self._start(catalog)

    def _start(self, catalog: Path | None) -> None:
        changes = {} if catalog is None else {"catalog_dir": str(catalog)}
        house = House(self._laptop.settings(**changes), BUILDERS, self._clock)
        self._stack.enter_context(Serving(house))

    def __enter__(self) -> None:
        self._start(self._catalog)

    def __exit__(self, *fault: object) -> None:
        self._stack.close()


@pytest.fixture(
    scope="package", params=["embedded", pytest.param("over_kafka", marks=pytest.mark.kafka)]
)
def place(request: pytest.FixtureRequest) -> Place:
    """A running house, over each bus in turn."""
    found: Place = request.getfixturevalue(request.param)
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Show the logs of the processes with a failing test."""
    report = yield
    fixtures = getattr(item, "funcargs", {})
    if report.when == "call" and report.failed:
        for each in fixtures.values():
            if isinstance(each, Place) and each.apart:
                for name, text in each.apart.tails().items():
                    report.sections.append((f"log of {name}", text))
    return report
