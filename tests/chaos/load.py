"""Two services of plumbing only: `teller` says a fact per command, `hearer` answers each with one.

For faults at which a walk of the business would add nothing. Both copy all that they hear, in the
order in which it comes, without dropping anything, so that a double or a swap leaves its trace.
Run as `python -m tests.chaos.load teller`.
"""

import os
import sys
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from fastapi import APIRouter, Depends

from contracts.envelope import Fact, Meta, Opened, Registry
from contracts.upcasts import Upcaster
from infra import log as logs
from infra.parts import Builder, Parts, Plumbing
from infra.service import House, run
from infra.settings import Settings, load
from infra.web import allow, cause_of
from infra.work import Cause, Handler, Work
from tests.chaos import dying

RAISES, KILLS, MENDED = "a bug that raises", "a bug that kills", "CHAOS_MENDED"
FREEZES = "a machine that stands still"
MIGRATIONS = Path(__file__).parent / "migrations"
COUNT = """
INSERT INTO tally AS t (deal_id, n, last, in_order) VALUES (%(deal)s, 1, %(number)s, %(number)s = 1)
ON CONFLICT (deal_id) DO UPDATE SET n = t.n + 1, last = excluded.last,
    in_order = t.in_order AND excluded.last = t.last + 1
"""
COPY = """
INSERT INTO copies (id, deal_id, type, causation)
VALUES (%(id)s, %(deal)s, %(type)s, %(causation)s)
"""


class NumberTold(Fact):
    """The teller says the next number of a deal; release 2 says in which unit."""

    VERSION: ClassVar[int] = int(os.environ.get("CHAOS_RELEASE", "1"))

    number: int
    unit: str | None = None


class NumberHeard(Fact):
    """The hearer answers: it has heard the number."""

    number: int


UPCASTERS: dict[tuple[str, int], Upcaster] = {
    (NumberTold.wire_type(), 1): lambda body: {**body, "unit": "piece"}
}
REGISTRY = Registry([NumberTold, NumberHeard], UPCASTERS)


def stream_of(service: str, deal_id: UUID) -> str:
    return f"{service}.deal/{deal_id}"


def count(heard: Opened, work: Work) -> None:
    """Count the number into the deal's row."""
    fact = heard.fact
    assert isinstance(fact, NumberTold | NumberHeard)
    work.sql(COUNT, {"deal": fact.deal_id, "number": fact.number})


def answer(heard: Opened, work: Work) -> None:
    """Count, and answer with a fact of our own; who said it may bring out a bug."""
    fact = heard.fact
    assert isinstance(fact, NumberTold)
    if fact.VERSION > 1 and fact.unit is None:
        raise LookupError("a fact of release 1 was not brought up to date")
    if heard.meta.actor == RAISES and MENDED not in os.environ:
        raise LookupError(fact.number)
    if heard.meta.actor == KILLS and MENDED not in os.environ:
        dying.die()
    if heard.meta.actor == FREEZES and MENDED not in os.environ:
        dying.freeze_once()
    count(heard, work)
    said = NumberHeard(deal_id=fact.deal_id, number=fact.number)
    work.append(stream_of("hearer", fact.deal_id), said)


def copy(meta: Meta, value: bytes, work: Work) -> None:
    """Copy every fact, also a double: nothing here drops one."""
    del value
    row = {"id": meta.id, "deal": meta.deal_id, "type": meta.type, "causation": meta.causation}
    work.sql(COPY, row)


def routes(plumbing: Plumbing) -> APIRouter:
    router = APIRouter(prefix="/teller")

    @router.post("/deals/{deal_id}/tell")
    def tell(
        deal_id: UUID, why: Cause = Depends(cause_of), _: object = Depends(allow("seller"))
    ) -> dict[str, list[str]]:
        """Say the next two numbers of the deal; returns the facts' ids once they are stored."""

        def handler(work: Work) -> None:
            stream = stream_of("teller", deal_id)
            for _ in range(2):
                number = len(work.read(stream)) + 1
                unit = "piece" if NumberTold.VERSION > 1 else None
                work.append(stream, NumberTold(deal_id=deal_id, number=number, unit=unit))

        return {"ids": [each.id for each in plumbing.run(why, handler)]}

    return router


def teller(settings: Settings, plumbing: Plumbing) -> Parts:
    del settings
    hears: dict[type[Fact], Handler] = {NumberHeard: count}
    return _parts("teller", hears, routes(plumbing))


def hearer(settings: Settings, plumbing: Plumbing) -> Parts:
    del settings, plumbing
    return _parts("hearer", {NumberTold: answer}, APIRouter())


def _parts(name: str, hears: dict[type[Fact], Handler], router: APIRouter) -> Parts:
    return Parts(name, hears, REGISTRY, router, 50, copies=copy, migrations=MIGRATIONS)


BUILDERS: dict[str, Builder] = {"teller": teller, "hearer": hearer}


def main(name: str) -> None:
    settings = load()
    logs.configure(settings.log_level, settings.log_format)
    house = House(settings, {name: BUILDERS[name]})
    if point := os.environ.get(dying.VARIABLE):
        dying.arrange(house.services[0], point, settings.facts_topic)
    run(house)


if __name__ == "__main__":
    main(sys.argv[1])
