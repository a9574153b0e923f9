"""A rebuild of the read tables dies under walks, again and again: nobody reads a gap, and it ends right."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

import psycopg
import pytest

from services.crm_projector.rows import KEYS
from tests.chaos.conftest import SEED
from tests.chaos.ground import Ground
from tests.chaos.loading import SCALE
from tests.chaos.proof import Proof
from tests.chaos.walking import Walks
from tests.e2e.place import WAIT_S, Place, until

pytestmark = [pytest.mark.prove, pytest.mark.kafka]
DEATHS = 2 + SCALE
# A rebuild of the few deals that walk here takes about so long; it dies at any moment of that.
BUILDS_S = 0.03
NUMBERS = "SELECT number FROM crm_projector.quote"
STAGE = "SELECT stage FROM crm_projector.generation WHERE number = %s"
PREVIOUS = "SELECT number FROM crm_projector.generation WHERE stage = 'previous'"


class Reading:
    """An analyst who reads the quotes all the time: what was there once must be there for ever."""

    def __init__(self, dsn: str) -> None:
        self.gaps: list[str] = []
        self.times = 0
        self._dsn = dsn
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self._stopping.set()
        self._thread.join(WAIT_S)

    def _read(self) -> None:
        seen = set[str]()
        while not self._stopping.wait(0.001):
            try:
                with psycopg.connect(self._dsn, autocommit=True) as connection:
                    while not self._stopping.wait(0.001):
                        found = {row[0] for row in connection.execute(NUMBERS)}
                        self.gaps += sorted(f"{each} was not to be read" for each in seen - found)
                        seen |= found
                        self.times += 1
            except psycopg.OperationalError:
                continue  # the database is down for a moment


def stage_of(place: Place, number: int) -> str:
    """Return the stage of a generation; one that is no more was rebuilt over since."""
    return next((row[0] for row in place.sql(STAGE, (number,))), "gone")


def swapped(place: Place, number: int) -> None:
    until(lambda: stage_of(place, number) == "current", f"generation {number} is read", WAIT_S)


def compared(place: Place, number: int) -> list[str]:
    """Name what the rebuild itself found to differ between the old rows and the new ones."""
    found = place.admin.get("/crm/rebuild")["generations"]
    report = next(each["report"] for each in found if each["number"] == number)
    differ = {name: report[name] for name in ("differ", "only_old", "only_new", "unreadable")}
    return [f"generation {number}: {differ}, {report['examples']}"] if any(differ.values()) else []


def unfed(place: Place) -> list[str]:
    """Name the tables of the generation before that do not equal those that are read."""
    ((number,),) = place.sql(PREVIOUS)
    pairs = [(f"crm_projector.{name}_{number}", f"crm_projector.{name}") for name in KEYS]
    return [
        f"{old} is not {new}"
        for old, new in pairs
        if sorted(map(repr, place.sql(f"TABLE {old}")))
        != sorted(map(repr, place.sql(f"TABLE {new}")))
    ]


@pytest.mark.drawable
def test_a_rebuild_is_killed_at_any_moment_and_goes_on(
    house: Place, prove: Callable[[str], Proof]
) -> None:
    proof = prove(f"rebuild: crm_projector kill -9 in it, {DEATHS} times, under walks")
    assert house.apart is not None
    moments, stages = random.Random(SEED), Counter[str]()
    walks = Walks(house)
    with Reading(house.server_dsn) as reading:
        for _ in range(DEATHS):
            number = house.admin.post("/crm/rebuild")["generation"]
            time.sleep(moments.uniform(0, BUILDS_S))  # the fault's own moment
            house.apart.kill("crm_projector")
            stages[stage_of(house, number)] += 1
            proof.begins()
            house.apart.start("crm_projector")
            swapped(house, number)
            proof.recovered()
            proof.check("old rows = new rows", compared(house, number))
        walks.finish()
        walks.prove(proof)
    proof.check("no gap for readers", reading.gaps)
    proof.check("the old generation is fed", unfed(house))
    died = ", ".join(f"{name} {n}" for name, n in sorted(stages.items()))
    proof.note = f"died in: {died}; read {reading.times} times"
    proof.holds()


def test_a_swap_that_waits_for_a_reader_outlives_service_and_database(
    house: Place, servers: Ground, prove: Callable[[str], Proof]
) -> None:
    proof = prove(
        "rebuild: kill -9, then PostgreSQL -m immediate, while the swap waits for readers"
    )
    assert house.apart is not None
    walks = Walks(house)
    with Reading(house.server_dsn) as reading:
        with holds(house):
            number = house.admin.post("/crm/rebuild")["generation"]
            until(lambda: stage_of(house, number) == "comparing", "the swap waits", WAIT_S)
            house.apart.kill("crm_projector")
            proof.begins()
            house.apart.start("crm_projector")
            walks.finish()  # both generations are fed meanwhile
            proof.check("not swapped", [] if stage_of(house, number) == "comparing" else ["it was"])
            servers.postgres.crash()
        servers.postgres.start()
        swapped(house, number)
        proof.recovered()
        walks.prove(proof)
    proof.check("old rows = new rows", compared(house, number))
    proof.check("no gap for readers", reading.gaps)
    proof.check("the old generation is fed", unfed(house))
    proof.holds()


@contextmanager
def holds(place: Place) -> Iterator[None]:
    """Read the quotes in one long transaction; the database may end it."""
    connection = psycopg.connect(place.server_dsn)
    try:
        connection.execute(NUMBERS)
        yield
    finally:
        connection.close()
