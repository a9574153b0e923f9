"""The broker dies, stays away, loses its answers: facts wait in PostgreSQL and come in order."""

import time
from collections.abc import Callable

import pytest

from tests.chaos.ground import Ground
from tests.chaos.loading import SCALE, WAIT_S, Load
from tests.chaos.proof import Proof
from tests.chaos.walking import Walks
from tests.e2e.place import Place, until

pytestmark = [pytest.mark.prove, pytest.mark.kafka]
AWAY_S = 60.0 if SCALE > 1 else 3.0


@pytest.mark.drawable
def test_the_broker_is_killed_under_walks(
    house: Place, servers: Ground, prove: Callable[[str], Proof]
) -> None:
    proof = prove("broker: kill -9 and restart, under walks")
    walks = Walks(house)
    servers.kafka.kill(1)
    proof.begins()
    servers.kafka.start()
    walks.finish()
    proof.recovered()
    walks.prove(proof)
    proof.holds()


@pytest.mark.drawable
def test_the_broker_is_away_for_a_while_and_commands_go_on(
    load: Load, servers: Ground, prove: Callable[[str], Proof]
) -> None:
    proof = prove(f"broker: away for {AWAY_S:g} s under load")
    with load.running():
        load.flows()
        servers.kafka.kill(1)
        back_at = time.monotonic() + AWAY_S
        load.flows()  # a command needs no broker: its facts wait in the event table
        time.sleep(max(0.0, back_at - time.monotonic()))
        servers.kafka.start()
        proof.begins()
        load.goes_round()
        proof.recovered()
        load.flows()
    load.prove(proof)
    proof.holds()


@pytest.mark.drawable
def test_the_broker_takes_records_and_its_answers_are_lost(
    servers: Ground, prove: Callable[[str], Proof]
) -> None:
    proof = prove("broker: records taken, acknowledgements lost")
    (wire,) = servers.kafka_wires
    first = wire.lost
    with servers.load(wired=True) as load, load.running():
        for _ in range(3):
            load.flows(10)
            lost = wire.lost
            wire.loses = b"quotewright.Number"
            until(lambda lost=lost: wire.lost > lost + 1, "acknowledgements are lost", WAIT_S)
            wire.loses = None
        proof.begins()
        load.goes_round()
        proof.recovered()
        load.flows()
        load.stop()
        load.prove(proof)
    proof.note = f"{wire.lost - first} acknowledgements lost"
    proof.holds()
