"""What readers and a killed process see of a rebuild: no gap, no mix, no error; and it goes on."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest

from contracts.envelope import Opened
from services.crm_projector import rebuild as job
from tests.integration.crm_service import TABLES, Crm
from tests.unit.crm_projector.walks import Log, Walk

STATIC = 3
DEADLINE_S = 120.0
OLD = "before the rebuild"


@pytest.fixture(autouse=True)
def _patient(crm: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the consumer wait as in the service; pages of a few facts, so a rebuild has many steps."""
    crm.patient = True
    monkeypatch.setattr(job, "FACTS_PAGE", 100)
    monkeypatch.setattr(job, "LAST_FACTS_MAX", 60)


class Reader:
    """Somebody who reads again and again in a thread; notes each reading, and what went wrong."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self.seen: list[Any] = []
        self.faults: list[BaseException] = []
        self._read = read
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.seen.append(self._read())
            except BaseException as fault:  # noqa: BLE001, told at the end
                self.faults.append(fault)
                return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(DEADLINE_S)

    def more(self) -> None:
        """Wait until it has read once more from start to end."""
        wanted, until = len(self.seen) + 2, time.monotonic() + DEADLINE_S
        while len(self.seen) < wanted and not self.faults:
            assert time.monotonic() < until, "the reader does not come back"
            time.sleep(0.005)


def marked(crm: Crm) -> None:
    """Three deals whose every row in generation 1 shows that it is of that generation."""
    for n in range(STATIC):
        log = Log(f"OPP-{n}", tier="marked").open()
        crm.hear(Walk(log, f"Q-{n}").to_presented("approvers").log.facts)
    crm.sql(
        f"UPDATE opportunity_1 SET name = '{OLD}'",
        "UPDATE quote_1 SET net = 1",
        "UPDATE quote_revision_1 SET net = 1",
        f"UPDATE approval_1 SET reason = '{OLD}'",
    )


def over_the_api(crm: Crm) -> Callable[[], tuple[bool, ...]]:
    """Ask for a quote, an opportunity, a history, a list; says of each row whether it is old."""

    def read() -> tuple[bool, ...]:
        quote = crm.ask("GET", "/crm/quotes/Q-0", "manager")
        deal = crm.ask("GET", f"/crm/opportunities/{quote['deal_id']}", "seller")
        hops = crm.ask("GET", "/crm/quotes/Q-0/history", "seller")["hops"]
        listed = crm.ask("GET", "/crm/opportunities?tier=marked", "seller")["opportunities"]
        assert (len(quote["revisions"]), len(quote["approvals"])) == (1, 1)
        assert (len(deal["quotes"]), len(deal["approvals"]), len(hops)) == (1, 1, 18)
        static = [each["name"] for each in listed]
        assert len(static) == STATIC
        one = {quote["net"] == "1", quote["revisions"][0]["net"] == "1"}
        one |= {each["reason"] == OLD for each in quote["approvals"]}
        other = {deal["name"] == OLD, deal["quotes"][0]["net"] == "1"}
        other |= {each["reason"] == OLD for each in deal["approvals"]}
        assert (len(one), len(other), len({each == OLD for each in static})) == (1, 1, 1)
        return one.pop(), other.pop(), static[0] == OLD

    return read


def as_an_analyst(analyst: psycopg.Connection[Any]) -> Callable[[], tuple[bool, int]]:
    """Ask bi in one statement, then again in the same transaction; returns old or new, and quotes."""
    joined = (
        "SELECT count(*), count(DISTINCT q.net_amount), min(q.net_amount), count(DISTINCT o.name),"
        " bool_and((q.net_amount = 1) = (o.name = %s) AND (a.reason = %s) = (o.name = %s))"
        " FROM bi.quote q JOIN bi.opportunity o USING (deal_id) JOIN bi.approval a USING (quote_id)"
        " WHERE q.number IN ('Q-0', 'Q-1', 'Q-2')"
    )

    def read() -> tuple[bool, int]:
        with analyst.transaction():
            row = analyst.execute(joined, (OLD, OLD, OLD)).fetchone()
            assert row is not None
            n, nets, net, _, fits = row
            assert (n, nets, fits) == (STATIC, 1, True)
            again = analyst.execute("SELECT min(net_amount) FROM bi.quote WHERE number = 'Q-1'")
            assert again.fetchone() == (net,)
            (quotes,) = analyst.execute("SELECT count(*) FROM bi.quote").fetchone() or (0,)
            (waits,) = analyst.execute("SELECT count(*) FROM bi.waiting").fetchone() or (0,)
            assert waits >= STATIC
        return net == 1, int(quotes)

    return read


@contextmanager
def live_writes(crm: Crm) -> Iterator[Reader]:
    """Deals come in all the time, one after the other."""
    numbers = iter(range(STATIC, 100_000))

    def hear() -> int:
        n = next(numbers)
        crm.hear(Walk(Log(f"OPP-{n}").open(), f"Q-{n}").to_presented("approvers").log.facts)
        return n

    with Reader(hear) as writer:
        yield writer


def test_readers_see_one_whole_generation_at_every_moment_of_swap_and_rollback(crm: Crm) -> None:
    marked(crm)
    with (
        psycopg.connect(crm.analyst_dsn) as connection,
        live_writes(crm) as writer,
        Reader(over_the_api(crm)) as api,
        Reader(as_an_analyst(connection)) as analyst,
    ):
        readers = (writer, api, analyst)

        def all_go_on() -> None:
            for each in readers:
                each.more()

        all_go_on()
        number = crm.start_rebuild()
        _until(lambda: _built(crm, number))
        all_go_on()
        for _ in range(2):
            crm.ask("POST", "/crm/rebuild/rollback")
            all_go_on()
        crm.ask("POST", "/crm/rebuild/retire")
        _until(lambda: crm.build() == 0)
        all_go_on()
    for each in readers:
        assert each.faults == []
    turns = [
        old for n, (old, _) in enumerate(analyst.seen) if n == 0 or old != analyst.seen[n - 1][0]
    ]
    assert turns == [True, False, True, False]  # old, new, back, and forth again
    counts = [quotes for _, quotes in analyst.seen]
    assert counts == sorted(counts)  # what once was there never was missing
    assert (api.seen[0], api.seen[-1]) == ((True,) * 3, (False,) * 3)
    assert len(crm.rows("SELECT 1 FROM quote")) == STATIC + len(writer.seen)


def test_a_killed_rebuild_goes_on_from_where_it_was(crm: Crm) -> None:
    for n in range(12):
        crm.hear(Walk(Log(f"OPP-{n}").open(), f"Q-{n}").to_presented().log.facts)
    before = {each: crm.rows(f"SELECT * FROM {each} ORDER BY 1, 2") for each in TABLES[:-1]}
    number = crm.start_rebuild()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.rebuilding_process", crm.dsn],
        cwd=Path(__file__).parents[2],
    )
    try:
        _until(lambda: crm.generation(number)["report"]["deals"] >= 2)
    finally:
        process.kill()
        process.wait(DEADLINE_S)
    left = crm.generation(number)
    assert left["stage"] == "folding"
    assert crm.rows(f"SELECT count(*) AS n FROM deal_state_{number}") == [
        {"n": left["report"]["deals"]}
    ]
    crm.hear(Walk(Log("OPP-99").open(), "Q-99").to_presented().log.facts)
    while crm.build():
        pass
    report = crm.generation(number)["report"]
    assert (report["deals"], report["differ"], report["only_old"], report["only_new"]) == (
        12,
        0,
        0,
        0,
    )
    after = {each: crm.rows(f"SELECT * FROM {each} ORDER BY 1, 2") for each in TABLES[:-1]}
    assert [each for each in after["quote"] if each["number"] != "Q-99"] == before["quote"]


@pytest.mark.parametrize("seed", range(4))
def test_a_generation_built_at_any_moment_of_a_random_history_is_the_live_one(
    crm: Crm, seed: int
) -> None:
    choose = random.Random(seed)
    number = None
    for batch in _random_batches(choose):
        crm.hear(batch)
        if number is None and choose.random() < 0.2:
            number = crm.start_rebuild()
        for _ in range(choose.randrange(3)):
            crm.build()
    number = number or crm.start_rebuild()
    while crm.build():
        pass
    report = crm.generation(number)["report"]
    assert (report["differ"], report["only_old"], report["only_new"]) == (0, 0, 0)
    for table in TABLES[:-1]:
        old, new = (crm.rows(f"SELECT * FROM {table}_{n} ORDER BY 1, 2") for n in (1, number))
        assert old == new
    states = [
        crm.rows(f"SELECT deal_id, state FROM deal_state_{n} ORDER BY 1") for n in (1, number)
    ]
    assert states[0] == states[1]


def _random_batches(choose: random.Random) -> Iterator[list[Opened]]:
    """Deals with one to three quotes that end in many ways, interleaved, in batches of any size."""
    deals = []
    for n in range(8):
        log = Log(f"OPP-{n}", tier=choose.choice(["gold", "silver"])).open()
        for letter in "abc"[: choose.randint(1, 3)]:
            walk = Walk(log, f"Q-{n}{letter}")
            step = choose.choice(["draft", "priced", "asked", "presented", "accepted"])
            if step == "draft":
                walk.draft()
            elif step == "priced":
                walk.draft().configure().price()
            elif step == "asked":
                walk.ask_approvers(walk.draft().configure().price().submit())
            else:
                walk.to_presented(choose.choice(["rule", "approvers"]))
                if step == "accepted":
                    walk.accept()
                    break
        deals.append(list(log.facts))
    while deals:
        batch: list[Opened] = []
        for _ in range(choose.randint(1, 12)):
            if deals:
                deal = choose.choice(deals)
                batch.append(deal.pop(0))
                deals = [each for each in deals if each]
        yield batch


def _built(crm: Crm, number: int) -> bool:
    crm.build()
    return bool(crm.generation(number)["stage"] == "current")


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < until, "it does not come true"
        time.sleep(0.005)
