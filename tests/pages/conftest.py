"""One house and one Chromium for all pages; a browser of his own for each person."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from infra.local import SUPERUSER, LocalPostgres
from infra.local_kafka import LocalKafka
from infra.service import House, Serving
from quotewright.demo import ready, stage
from quotewright.house import BUILDERS
from quotewright.laptop import Laptop, Servers
from tests.e2e.place import Place
from tests.pages.browsers import People, Shown, chromium, show

HERE = Path(__file__).parent
DATABASE = "pages"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def house(postgres: LocalPostgres, make_home: Callable[[str], Path]) -> Iterator[Place]:
    """Six services in this process, on the embedded bus, with a CRM and approvers around."""
    home = make_home("pages")
    with stage(Laptop(home, "embedded", Servers(postgres, None, DATABASE))) as running:
        ready(running)
        place = Place(running, postgres.dsn(SUPERUSER, DATABASE))
        yield place
        place.close()


@pytest.fixture(scope="package")
def shown(house: Place) -> Shown:
    """Quotes in every state that a page draws."""
    return show(house)


@pytest.fixture(scope="module")
def over_kafka(
    postgres: LocalPostgres, kafka: LocalKafka, make_home: Callable[[str], Path]
) -> Iterator[Place]:
    """The same house over a real Kafka, on topics of its own."""
    topics = {name: f"pages.{name}" for name in ("facts_topic", "inbound_topic", "parked_topic")}
    home = make_home("pages-kafka")
    laptop = Laptop(home, "kafka", Servers(postgres, kafka, f"{DATABASE}_kafka"))
    with stage(laptop, lambda it: Serving(House(it.settings(**topics), BUILDERS))) as running:
        ready(running)
        place = Place(running, postgres.dsn(SUPERUSER, f"{DATABASE}_kafka"))
        yield place
        place.close()


# No wider: an open Playwright holds an event loop, and other tests of this process run their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="package")
def sessions() -> dict[str, Any]:
    """The sessions of those who have signed in, by role."""
    return {}


@pytest.fixture
def people(browser: Browser, house: Place, sessions: dict[str, Any]) -> Iterator[People]:
    """People at browsers; in the end nobody may have seen a complaint."""
    found = People(browser, house.stage.url, sessions)
    yield found
    found.leave()
