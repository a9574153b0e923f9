"""The load: writers that tell numbers until told to stop, and what must hold of it in the end."""

import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any
from uuid import UUID, uuid5

import httpx
import psycopg

from contracts.envelope import Sealed
from infra.bus_kafka import KafkaBus
from quotewright.client import token_for
from quotewright.laptop import Laptop
from tests.chaos import checks
from tests.chaos.checks import Heard, Stored
from tests.chaos.proof import Proof
from tests.e2e.place import until
from tests.e2e.processes import Apart

SERVICES = ("teller", "hearer")
WRITERS = 4
DEALS = 12
PAUSE_S = 0.02
WAIT_S = 120.0
# `make prove` lets more facts pass than a test that was drawn.
SCALE = int(os.environ.get("CHAOS_SCALE", "1"))
SPACE = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
EVENTS = """
SELECT position, stream, version, topic, deal_id::text, command_id, ordinal,
       convert_from(state, 'UTF8')::json FROM {service}.events ORDER BY position
"""


def stored_of(sql: Callable[..., list[tuple[Any, ...]]], *services: str) -> list[Stored]:
    """Read the event tables of services."""
    return [
        Stored(service, row[0], row[1], row[2], row[3].rpartition("/")[0], *row[4:])
        for service in services
        for row in sql(EVENTS.format(service=service))
    ]


class Load:
    """A running teller and hearer, and those who make the teller speak."""

    def __init__(self, laptop: Laptop, apart: Apart, dsn: str, doubles: Callable[[], int]) -> None:
        self.apart = apart
        self.acknowledged: list[str] = []
        self.refused: list[str] = []
        self.topic = ""
        self.turned_away = 0
        self.deals = [uuid5(SPACE, f"{dsn}/{number}") for number in range(DEALS)]
        self._doubles = doubles
        self._dsn = dsn
        self._home = laptop.home
        token = token_for(laptop.home, "seller-1", ["seller"])
        self._http = httpx.Client(
            base_url=apart.url("teller"),
            headers={"authorization": f"Bearer {token}"},
            timeout=10,
            trust_env=False,
        )
        self._keys = count(1)
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    # ---- telling

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let writers tell numbers for as long as the context lasts."""
        self._stopping.clear()
        self._threads = [
            threading.Thread(target=self._write, args=(number,), daemon=True)
            for number in range(WRITERS)
        ]
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self.stop()

    def stop(self) -> None:
        """Let the writers finish what they are telling; safe to repeat."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(WAIT_S)

    def flows(self, commands: int = 30) -> None:
        """Wait until so many more facts are acknowledged."""
        wanted = len(self.acknowledged) + 2 * commands * SCALE
        until(lambda: len(self.acknowledged) >= wanted, f"{commands} commands pass", WAIT_S)

    def tell(self, deal: UUID) -> list[str]:
        """Tell a deal's next numbers; asks again under the same key until there is an answer."""
        with self._guard:
            key = f"k-{next(self._keys)}"
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            try:
                answer = self._http.post(
                    f"/teller/deals/{deal}/tell", headers={"idempotency-key": key}
                )
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.is_success:
                ids: list[str] = answer.json()["ids"]
                self.acknowledged += ids
                return ids
            if answer is not None and answer.status_code not in {409, 500, 502, 503}:
                self.refused.append(f"{answer.status_code} {answer.text}")
                return []
            self.turned_away += answer is not None
            time.sleep(0.05)
        self.refused.append(f"{key} was not answered in {WAIT_S} s")
        return []

    def goes_round(self, deal: UUID | None = None) -> None:
        """Tell a number and wait until the answer of the hearer has come back to the teller."""
        ids = self.tell(deal or self.deals[0])
        assert ids, self.refused
        last = int(ids[-1].rpartition("/")[2])
        where = "SELECT 1 FROM teller.tally WHERE deal_id = %s AND last >= %s"
        place = (deal or self.deals[0], last)
        self._until(lambda: self.sql(where, place), f"the answer to {ids[-1]} comes back")

    def is_counted(self) -> None:
        """Tell a number and wait until the hearer has counted it."""
        ids = self.tell(self.deals[0])
        assert ids, self.refused
        place = (self.deals[0], int(ids[-1].rpartition("/")[2]))
        where = "SELECT 1 FROM hearer.tally WHERE deal_id = %s AND last >= %s"
        self._until(lambda: self.sql(where, place), f"{ids[-1]} is counted")

    def _write(self, number: int) -> None:
        mine = self.deals[number::WRITERS]
        for turn in count():
            if self._stopping.wait(PAUSE_S):
                return
            # Every fifth command goes to a deal that all writers share: there they race.
            self.tell(self.deals[0] if turn % 5 == 0 else mine[turn % len(mine)])

    # ---- what became of it

    def sql(self, statement: str, params: Any = ()) -> list[tuple[Any, ...]]:
        """Look or meddle as a database administrator."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            cursor = connection.execute(statement, params)
            return cursor.fetchall() if cursor.description else []

    def in_schema(self, name: str, statements: str) -> None:
        """Run what an operator runs in a service's schema."""
        at = f"-c search_path={name}"
        with psycopg.connect(self._dsn, options=at) as connection:
            connection.execute(statements)

    def parked(self, name: str) -> int:
        """Count what a service has parked."""
        count: int = self.sql(f"SELECT count(*) FROM {name}.parked")[0][0]
        return count

    def readiness(self, name: str) -> list[str]:
        """Return why a service says that it can not serve; nothing while it does not answer."""
        try:
            answer = httpx.get(f"{self.apart.url(name)}/readyz", timeout=5, trust_env=False)
        except httpx.HTTPError:
            return []
        reasons: list[str] = answer.json()["reasons"]
        return reasons

    def retries(self, name: str) -> None:
        """Ask a service, as its operator, to try again all that it has parked."""
        token = token_for(self._home, "admin-1", ["admin"])
        answer = httpx.post(
            f"{self.apart.url(name)}/{name}/admin/parked/retry",
            headers={"authorization": f"Bearer {token}"},
            timeout=30,
            trust_env=False,
        )
        assert answer.is_success, answer.text

    def says(self, bootstrap: str, *records: Sealed) -> None:
        """Put records on the log as a stranger would."""
        bus = KafkaBus(bootstrap.split(","), {})
        bus.produce(self.topic, records)
        bus.close()

    def settles(self, strangers: int = 0) -> None:
        """Wait until everything told is answered, and every answer and every stranger heard."""
        what = "every fact is heard by both services"
        self._until(lambda: self._settled(strangers), what)

    def _until(self, look: Callable[[], object], what: str) -> None:
        """Wait, and say how everything stands if it does not come."""
        try:
            until(look, what, WAIT_S)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.state()}\n{self._complaints()}") from None

    def _complaints(self) -> str:
        """Return the last warnings and errors of the services."""
        lines = [
            f"{name}: {line}"
            for name, log in self.apart.logs.items()
            for line in log.read_text(encoding="utf-8").splitlines()
            if '"level": "info"' not in line and '"level": "debug"' not in line
        ]
        return "\n".join(lines[-60:])

    def state(self) -> str:
        """Say how both services stand, for a person who looks at a failure."""
        lines = []
        for name in SERVICES:
            for what in (
                "SELECT 'events', max(position), count(*) FROM {0}.events",
                "SELECT 'relay', position, epoch FROM {0}.relay",
                "SELECT 'position', partition, position, epoch, marked, attempts FROM {0}.positions",
                "SELECT 'mark', partition, epoch FROM {0}.marks",
                "SELECT 'parked', partition, offset_, code, reason FROM {0}.parked LIMIT 5",
                "SELECT 'copies', count(*), count(DISTINCT id) FROM {0}.copies",
            ):
                lines += [f"{name}: {row}" for row in self.sql(what.format(name))]
        lines += [
            str(row)
            for row in self.sql(
                "SELECT application_name, state, wait_event_type, wait_event,"
                " clock_timestamp() - state_change, left(query, 90) FROM pg_stat_activity"
                " WHERE usename LIKE 'quotewright%%'"
            )
        ]
        return "\n".join(lines)

    def _settled(self, strangers: int) -> bool:
        # One statement, one snapshot: who has copied every fact there is has also answered it.
        ((stored, *copied),) = self.sql(
            "SELECT (SELECT count(*) FROM teller.events) + (SELECT count(*) FROM hearer.events),"
            " (SELECT count(DISTINCT id) FROM teller.copies),"
            " (SELECT count(DISTINCT id) FROM hearer.copies)"
        )
        return all(each >= stored + strangers for each in copied)

    def prove(
        self,
        proof: Proof,
        *,
        parked: int = 0,
        strangers: Sequence[Stored] = (),
        retried: Collection[str] = (),
    ) -> None:
        """Make every check there is, once everything has come to rest.

        `strangers` are facts that the test itself put on the log; deals that were parked and
        `retried` leave a second copy of their facts.
        """
        self.settles(len({each.id for each in strangers}))
        stored = [*stored_of(self.sql, *SERVICES), *strangers]
        ids = {each.id for each in stored}
        proof.facts = len(stored)
        proof.duplicates = self._doubles()
        proof.check("acknowledged are stored", checks.lost(self.acknowledged, ids))
        proof.check("acknowledged are stored", self.refused)
        proof.check("streams gapless", checks.broken_streams(stored))
        proof.check("no double effect", checks.doubled(stored))
        for name in SERVICES:
            heard = firsts_of(self.heard(name), retried)
            proof.check("all heard once", checks.uncopied(stored, heard))
            proof.check("order per deal", checks.disordered(heard))
            told = [each for each in stored if each.service != name and "number" in each.body]
            proof.check("views = fold", checks.differing(name, tally_of(told), self.tally(name)))
        found = sum(map(self.parked, SERVICES))
        proof.check("parked", [] if found == parked else [f"{found} parked, not {parked}"])

    def heard(self, name: str) -> list[Heard]:
        rows = self.sql(f"SELECT seq, id, deal_id::text, type, causation FROM {name}.copies")
        return [Heard(*row) for row in rows]

    def tally(self, name: str) -> dict[str, tuple[int, int, bool]]:
        rows = self.sql(f"SELECT deal_id::text, n, last, in_order FROM {name}.tally")
        return {row[0]: row[1:] for row in rows}

    def close(self) -> None:
        self._http.close()


def tally_of(stored: list[Stored]) -> dict[str, tuple[int, int, bool]]:
    """Fold facts into what a service must have counted of them."""
    folded: dict[str, tuple[int, int, bool]] = {}
    for each in sorted(stored, key=lambda one: one.version):
        n, last, in_order = folded.get(each.deal, (0, 0, True))
        number = each.body["number"]
        folded[each.deal] = (n + 1, number, in_order and number == last + 1)
    return folded


def firsts_of(heard: list[Heard], deals: Collection[str]) -> list[Heard]:
    """Drop the later copies of some deals' facts."""
    ids, kept = set[str](), []
    for each in sorted(heard, key=lambda one: one.seq):
        if each.deal not in deals or each.id not in ids:
            kept.append(each)
        ids.add(each.id)
    return kept
