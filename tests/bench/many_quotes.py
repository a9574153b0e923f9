"""A store of 2,000 quotes, and a house that serves it from a process of its own.

Nine deals, one with two quotes, are played through the real handlers, over HTTP and a CRM's webhooks, into every state
that pages draw; only documents lays nothing out. Then the house stops, and what stands of these
deals is copied under new ids, record names and quote numbers: the facts of quotes, approvals and
crm_projector, the names of quotes, the rows of approval cases, and the whole log. The house that
starts on it has heard the log of the copies already, but for crm_projector: it reads every copied
fact as it reads any other, so the tables behind lists and overview are its own work.
"""

import json
import multiprocessing
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import httpx
import psycopg
from psycopg import sql

from contracts.errors import Unavailable
from infra import log as logs
from infra.service import House, Serving
from infra.settings import Settings
from quotewright.demo import stage
from quotewright.house import BUILDERS
from quotewright.laptop import Laptop
from tests.bench.lifecycles import documents
from tests.bench.lineup import configurator
from tests.e2e.facts import ABOVE
from tests.e2e.place import Place, items_of
from tests.pages.browsers import revise

HOUSE = {**BUILDERS, "documents": documents, "configurator": configurator}
EXAMPLES = ("city_macro", "rural_lte", "street_micro", "city_macro", "rural_lte")
COPIES = 199
DEADLINE_S = 120.0
JSON = (114, 3802)  # PostgreSQL's numbers of json and jsonb
DEALS = UUID("0d0b8a55-35a1-4a1e-8f5e-7b0c4c5f3d61")
# What tells one deal from another: ids, the numbers of quotes, the CRM's records.
NAMED = re.compile(rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\bQ-1[0-9]{3}\b|\b006-[0-9]{4}\b")
SAYS = ("quotes", "approvals", "crm_projector")
HEARD = ("quotes", "configurator", "pricer", "approvals", "documents")


@dataclass(frozen=True, slots=True)
class Played:
    """What was played: the records of all deals, and the quote that is still a draft."""

    records: tuple[str, ...]
    draft: str


@contextmanager
def serving(home: Path, copies: int = COPIES) -> Iterator[tuple[Place, Played]]:
    """Fill the store, then serve it from another process; the CRM stands beside it."""
    here = ExitStack()

    def serve(prepared: Laptop) -> ExitStack:
        here.enter_context(Serving(House(prepared.settings(), HOUSE)))
        return here

    laptop = Laptop(home, "embedded")
    with stage(laptop, serve) as running:
        place = Place(running, laptop.admin_dsn)
        played = _played(place)
        _settled(place)
        here.close()
        with psycopg.connect(laptop.admin_dsn, autocommit=True) as connection:
            _copy(connection, copies)
        # No CRM is told of the copies: telling it is not what is measured.
        with _answering({**laptop.values(), "endpoints": {}}):
            _settled(place)
            place.sql("VACUUM ANALYZE")
            yield place, played
        place.close()


def _played(place: Place) -> Played:
    """Bring nine deals with ten quotes into the states that pages draw."""
    asked = [place.opens(each) for each in EXAMPLES]
    above = [place.opens("rural_lte", discounts=ABOVE) for _ in range(3)]
    bare = place.opens()
    told = [place.told(each, "Presented") for each in asked]
    place.accepts(told[3])
    no = place.link(told[4]["number"], 1)
    place.customer.post(f"{no}/decline", {"reason_code": "timing"})
    waiting = [place.told(each, "PendingApproval")["number"] for each in above]
    case = place.asked_to_approve(waiting[0])
    place.decides(case, "approve", "Strategic site, margin holds.")
    place.told(above[0], "Presented")
    draft = place.drafts(bare)["number"]
    place.edits(draft, items_of("street_micro"), submit=False)
    place.reaches(draft, "priced")
    place.told(asked[3], "Ordered")
    revise(place, told[2]["number"])
    return Played((*asked, *above, bare), draft)


def _settled(place: Place) -> None:
    """Wait until every service has heard all facts."""
    until = time.monotonic() + DEADLINE_S
    while True:
        answer = httpx.get(f"{place.stage.url}/readyz", trust_env=False, timeout=30).json()
        if answer["ready"] and not any(answer["lag"].values()):
            return
        if time.monotonic() > until:
            raise Unavailable(f"the house does not come to rest: {answer}")
        time.sleep(0.1)


@contextmanager
def _answering(values: Mapping[str, Any]) -> Iterator[None]:
    """Serve the house from a process of its own: this one only asks and takes times."""
    spawn = multiprocessing.get_context("spawn")
    ready, end = spawn.Event(), spawn.Event()
    process = spawn.Process(target=_answer, args=(values, ready, end))
    process.start()
    try:
        until = time.monotonic() + DEADLINE_S
        while not ready.wait(1.0):
            if not process.is_alive() or time.monotonic() > until:
                raise Unavailable("the house does not start")
        yield
    finally:
        end.set()
        process.join(DEADLINE_S)


def _answer(values: Mapping[str, Any], ready: Event, end: Event) -> None:
    logs.configure("error", "console")
    with Serving(House(Settings(**values), HOUSE)):
        ready.set()
        end.wait()


# ---- copies of what was played


def _copy(connection: psycopg.Connection[Any], copies: int) -> None:
    for name in SAYS:
        columns = ("stream", "version", "topic", "state", "deal_id", "meta")
        _again(connection, (name, "events"), columns, copies, order="position")
    _again(connection, ("quotes", "names"), ("name", "stream"), copies)
    cases = connection.execute("SELECT * FROM approvals.cases LIMIT 0").description or ()
    _again(connection, ("approvals", "cases"), tuple(each.name for each in cases), copies)
    log = ("topic", "key", "headers", "value")
    _again(connection, ("bus", "log"), log, copies, order="position")
    for name in HEARD:
        heard = "UPDATE {}.positions SET position = (SELECT max(position) FROM bus.log)"
        connection.execute(sql.SQL(heard).format(sql.Identifier(name)))
    for name in SAYS:
        said = "UPDATE {0}.relay SET position = (SELECT max(position) FROM {0}.events)"
        connection.execute(sql.SQL(said).format(sql.Identifier(name)))


def _again(
    connection: psycopg.Connection[Any],
    table: tuple[str, str],
    columns: tuple[str, ...],
    copies: int,
    order: str = "1",
) -> None:
    """Write the rows of a table again, so many times, each time as those of other deals."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    place = sql.Identifier(*table)
    read = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(names, place, sql.SQL(order))
    cursor = connection.execute(read)
    is_json = [each.type_code in JSON for each in cursor.description or ()]
    rows = [
        [json.dumps(value) if is_ else value for is_, value in zip(is_json, row, strict=True)]
        for row in cursor.fetchall()
    ]
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(place, names)
    for number in range(1, copies + 1):
        other = _others(number)
        with connection.cursor().copy(into) as copy:
            for row in rows:
                copy.write_row([_renamed(value, other) for value in row])


def _others(number: int) -> Callable[[re.Match[bytes]], bytes]:
    """Return what gives each name of the played deals its name in this copy."""
    known: dict[bytes, bytes] = {}

    def new(old: bytes) -> bytes:
        if old.startswith(b"Q-"):
            return f"Q-{int(old[2:]) + 1000 * number}".encode()
        if old.startswith(b"006-"):
            return old + f"-{number}".encode()
        return str(uuid5(DEALS, f"{number}/{old.decode()}")).encode()

    def other(found: re.Match[bytes]) -> bytes:
        old = found[0]
        if old not in known:
            known[old] = new(old)
        return known[old]

    return other


def _renamed(value: object, other: Callable[[re.Match[bytes]], bytes]) -> object:
    """Return a column's value with the names in it changed."""
    if isinstance(value, bytes):
        return NAMED.sub(other, value)
    if isinstance(value, UUID):
        return UUID(NAMED.sub(other, str(value).encode()).decode())
    if isinstance(value, str):
        return NAMED.sub(other, value.encode()).decode()
    return value
