"""PostgreSQL crashes, cuts sessions, swallows answers: what was acknowledged stands, nothing twice."""

from collections.abc import Callable

import pytest

from tests.chaos.ground import Ground
from tests.chaos.loading import WAIT_S, Load
from tests.chaos.proof import Proof
from tests.chaos.walking import Walks
from tests.e2e.place import Place, until

pytestmark = [pytest.mark.prove, pytest.mark.kafka]
# What only an INSERT of facts carries.
SAID = b"quotewright.Number"
BACKENDS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename LIKE 'quotewright_%%'
  AND (%s::text IS NULL OR state = %s)
"""


@pytest.mark.drawable
@pytest.mark.parametrize("bus", ["embedded", "kafka"])
def test_the_database_crashes_under_load(
    servers: Ground, prove: Callable[[str], Proof], bus: str
) -> None:
    proof = prove(f"PostgreSQL: -m immediate under load, {bus} bus")
    with servers.load(bus) as load, load.running():
        for _ in range(3):
            load.flows()
            servers.postgres.crash()
            proof.begins()
            servers.postgres.start()
            load.goes_round()
            proof.recovered()
        load.flows()
        load.stop()
        load.prove(proof)
    proof.holds()


@pytest.mark.drawable
def test_the_database_crashes_under_walks(
    house: Place, servers: Ground, prove: Callable[[str], Proof]
) -> None:
    proof = prove("PostgreSQL: -m immediate under walks")
    walks = Walks(house)
    servers.postgres.crash()
    proof.begins()
    servers.postgres.start()
    walks.finish()
    proof.recovered()
    walks.prove(proof)
    proof.holds()


@pytest.mark.drawable
def test_sessions_are_terminated_in_the_middle_of_commits(
    load: Load, prove: Callable[[str], Proof]
) -> None:
    proof = prove("PostgreSQL: backends terminated in the middle of commits")
    ended = 0
    with load.running():
        for _ in range(8):
            load.flows(6)
            ended += load.sql(BACKENDS, ("active", "active"))[0][0]
        proof.begins()
        ended += load.sql(BACKENDS, (None, None))[0][0]
        load.goes_round()
        proof.recovered()
        load.flows()
    load.prove(proof)
    proof.note = f"{ended} sessions ended"
    proof.holds()


@pytest.mark.drawable
def test_a_commit_is_stored_and_its_answer_is_lost(
    servers: Ground, prove: Callable[[str], Proof]
) -> None:
    proof = prove("PostgreSQL: commit stored, connection cut before the answer")
    wire = servers.postgres_wire
    first = wire.lost
    with servers.load(wired=True) as load, load.running():
        for _ in range(5):
            load.flows(10)
            lost = wire.lost
            wire.loses = SAID
            until(lambda lost=lost: wire.lost > lost + 2, "answers are lost", WAIT_S)
            wire.loses = None
        proof.begins()
        load.goes_round()
        proof.recovered()
        load.flows()
        load.stop()
        load.prove(proof)
    proof.note = f"{wire.lost - first} answers lost"
    proof.holds()
