"""Walks of the business under a fault: quotes of the telecom example, and what must hold of them."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.rows import dict_row

from contracts.catalogue import every_fact
from contracts.envelope import Meta
from quotewright.prefixes import PREFIXES
from services.crm_projector.domain.deal import DealState, evolve
from services.crm_projector.handlers import ATTRIBUTES
from services.crm_projector.rows import KEYS, Key, Row, key_of, rows_of
from tests.chaos import checks
from tests.chaos.checks import Heard, Told
from tests.chaos.ground import doubles_on
from tests.chaos.loading import stored_of
from tests.chaos.proof import Proof
from tests.e2e.facts import ABOVE
from tests.e2e.place import WAIT_S, Place, deal_of, until

LOG = f"SELECT {', '.join(ATTRIBUTES)}, value FROM crm_projector.fact_log ORDER BY seq"
HEARD = "SELECT seq, id, deal_id::text, type, causation FROM crm_projector.fact_log"


class Walks:
    """Three walks under way at different stages; one of them needs an approver's yes."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.above = place.opens("rural_lte", discounts=ABOVE)
        self.within = [place.opens("city_macro"), place.opens("street_micro")]
        first = self.above
        place.stage.crm.wait(lambda each: each["record_id"] == first, WAIT_S)
        self.accepted: list[str] = []

    def finish(self) -> None:
        """Bring all three to their orders."""
        place = self.place
        number = place.told(self.above, "PendingApproval")["number"]
        place.decides(place.asked_to_approve(number), "approve", "Margin holds.")
        for record in (self.above, *self.within):
            self.accepted.append(place.told(record, "Presented")["number"])
            place.accepts(place.told(record, "Presented"))
        for record in (self.above, *self.within):
            place.told(record, "Ordered")

    def prove(self, proof: Proof) -> None:
        """Make every check there is, once everything has come to rest."""
        sql = self.place.sql
        until(lambda: rests(self.place), "every fact is copied", WAIT_S)
        stored = stored_of(sql, *PREFIXES)
        heard = [Heard(*row) for row in sql(HEARD)]
        proof.facts = len(stored)
        proof.duplicates = doubles_on(
            self.place.bootstrap or "", self.place.topics["quotewright.facts"]
        )
        opened = {each.deal for each in stored if each.type.endswith(".OpportunityOpened")}
        ordered = {each.deal for each in stored if each.type.endswith(".OrderPlaced")}
        records = [str(deal_of(each)) for each in (self.above, *self.within)]
        proof.check("acknowledged are stored", checks.lost(records, opened))
        proof.check("acknowledged are stored", checks.lost(records, ordered))
        proof.check("streams gapless", checks.broken_streams(stored))
        proof.check("no double effect", checks.doubled(stored))
        proof.check("all heard once", checks.uncopied(stored, heard))
        proof.check("order per deal", checks.disordered(heard))
        told = [Told(each["record_id"], each["sequence"]) for each in self.place.stage.crm.taken]
        proof.check("the CRM never turned back", checks.turned_back(told))
        folded, shown = fold(self.place), shown_by(self.place)
        proof.check("views = fold", checks.differing("the read tables", folded, shown))
        parked = {name: self.place.sql(f"SELECT count(*) FROM {name}.parked") for name in PREFIXES}
        proof.check("parked", [f"{name}: {n}" for name, n in parked.items() if n != [(0,)]])


def rests(place: Place) -> bool:
    """Say whether every stored fact is copied, and every message delivered."""
    stored = " + ".join(f"(SELECT count(*) FROM {name}.events)" for name in PREFIXES)
    ((there, copied, left),) = place.sql(
        f"SELECT {stored}, (SELECT count(*) FROM crm_projector.fact_log),"
        " (SELECT count(*) FROM crm_projector.deliveries)"
    )
    return bool(there == copied and not left)


def fold(place: Place) -> dict[Key, Row]:
    """Fold the projector's copy of the facts anew, with its own domain."""
    registry = every_fact()
    deals: dict[Any, DealState] = {}
    for *attributes, value in place.sql(LOG):
        meta = Meta(**dict(zip(ATTRIBUTES, attributes, strict=True)))
        fact = registry.read(meta.type, meta.version, bytes(value))
        deals[meta.deal_id] = evolve(deals.get(meta.deal_id), fact, meta)
    return {key: row for state in deals.values() for key, row in rows_of(state).items()}


def shown_by(place: Place) -> Mapping[Key, Row]:
    """Read the rows that people see."""
    rows: dict[Key, Row] = {}
    with psycopg.connect(place.server_dsn, row_factory=dict_row) as connection:
        for table in KEYS:
            for row in connection.execute(f"SELECT * FROM crm_projector.{table}"):
                rows[key_of(table, row)] = row
    return rows
