"""From append to visible view: how long until another service's row shows a fact.

Facts of 440 bytes, as a quote's have, are appended by commands at a steady rate, one each, and
projected into rows by another service of the same process. The time runs from the call of the
command to the return of the commit that holds the row.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

from fastapi import APIRouter

from contracts.envelope import Fact, Opened, Registry
from infra.clock import wall_clock
from infra.parts import Parts, Plumbing
from infra.postgres import provision
from infra.service import House
from infra.settings import Settings
from infra.work import Cause, Work
from quotewright.laptop import BusName, Laptop
from tests.bench.report import Row, median, percentile

APPENDS, PER_SECOND, WRITERS = 1_600, 400, 4
DEADLINE_S = 60.0
LIMITS_MS: dict[BusName, tuple[float, float]] = {"embedded": (60.0, 25.0), "kafka": (150.0, 70.0)}
ROW = "INSERT INTO seen VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET note = excluded.note"


class Noted(Fact):
    """A fact of this benchmark."""

    note: str


def noted(deal_id: UUID) -> Noted:
    return Noted(deal_id=deal_id, note="x" * 360)


class Watch:
    """When each fact was appended, and when its row was committed."""

    def __init__(self) -> None:
        self.began: dict[UUID, float] = {}
        self.took: list[float] = []

    def writer(self, settings: Settings, plumbing: Plumbing) -> Parts:
        """Wire the service that appends."""
        del settings, plumbing
        return Parts("writer", {}, Registry([Noted]), APIRouter(), batch_size=500)

    def viewer(self, settings: Settings, plumbing: Plumbing) -> Parts:
        """Wire the service that projects, and note its commits."""
        told = plumbing.committed

        def committed(works: Sequence[Work]) -> None:
            now = time.monotonic()
            for _, params in (each for work in works for each in work.statements):
                began = self.began.get(UUID(str(next(iter(params)))))
                if began is not None:
                    self.took.append(now - began)
            told(works)

        # The consumer tells this attribute of its commits; there is no other place to stand.
        plumbing.__dict__["committed"] = committed
        migrations = settings.local_dir / "viewer" / "migrations"
        migrations.mkdir(parents=True, exist_ok=True)
        table = "CREATE TABLE IF NOT EXISTS seen (id uuid PRIMARY KEY, note text NOT NULL);"
        (migrations / "0001_seen.sql").write_text(table, encoding="utf-8")
        return Parts(
            "viewer",
            {Noted: _project},
            Registry([Noted]),
            APIRouter(),
            batch_size=500,
            migrations=migrations,
        )


def _project(heard: Opened, work: Work) -> None:
    assert isinstance(heard.fact, Noted)
    work.sql(ROW, (heard.fact.deal_id, heard.fact.note))


@contextmanager
def flowing(home: Path, bus: BusName) -> Iterator[tuple[House, Watch]]:
    """Run writer and viewer on a bus."""
    with Laptop(home, bus) as laptop:
        provision(laptop.admin_dsn, {"writer": ["writer"], "viewer": ["viewer"]})
        watch = Watch()
        house = House(laptop.settings(), {"writer": watch.writer, "viewer": watch.viewer})
        house.start()
        try:
            yield house, watch
        finally:
            house.stop()


def append_steadily(house: House, watch: Watch, count: int) -> list[float]:
    """Append so many facts at the rate; returns the seconds until each was visible."""
    plumbing = house.services[0].plumbing
    watch.took.clear()
    first = time.monotonic()

    def write(number: int) -> None:
        for turn in range(number, count, WRITERS):
            time.sleep(max(0.0, first + turn / PER_SECOND - time.monotonic()))
            deal_id = uuid4()
            watch.began[deal_id] = time.monotonic()
            cause = Cause(f"bench/{deal_id}", wall_clock(), "system/bench")
            plumbing.run(cause, lambda work, of=deal_id: work.append(f"w/{of}", noted(of)))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until = time.monotonic() + DEADLINE_S
    while len(watch.took) < count:
        assert time.monotonic() < until, "not every row has come"
        time.sleep(0.01)
    return list(watch.took)


def measured(home: Path, rounds: int) -> list[Row]:
    """Measure one bus and then the other, each alone in the process as it runs, after a warm-up.

    The figure is the median over the rounds of each round's p99.
    """
    rows = []
    for bus in LIMITS_MS:
        with flowing(home / bus, bus) as (house, watch):
            took = [append_steadily(house, watch, APPENDS) for _ in range(rounds + 1)]
        rows.append(_visible(bus, took[1:]))
    return rows


def _visible(bus: BusName, rounds: list[list[float]]) -> Row:
    floor, goal = LIMITS_MS[bus]
    return Row(
        metric=f"append to view visible at {PER_SECOND} facts/s, {bus}, p99",
        value=round(1000 * median([percentile(each, 0.99) for each in rounds]), 1),
        unit="ms",
        better="lower",
        bound="value",
        reference="p50 of the same run",
        reference_value=round(1000 * median([percentile(each, 0.5) for each in rounds]), 1),
        floor=floor,
        goal=goal,
    )
