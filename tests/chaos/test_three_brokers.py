"""Three brokers, three replicas, two of them in sync: losing one stops nothing, losing two loses nothing."""

from collections.abc import Callable, Iterator

import pytest

from tests.chaos.ground import Ground, ground
from tests.chaos.loading import WAIT_S
from tests.chaos.proof import Proof
from tests.e2e.place import until

pytestmark = [pytest.mark.prove, pytest.mark.kafka]
BEHIND = """
SELECT (SELECT max(position) FROM teller.events) - (SELECT position FROM teller.relay)
"""


@pytest.fixture(scope="module")
def three() -> Iterator[Ground]:
    with ground(nodes=3) as servers:
        yield servers


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_one_broker_of_three_is_lost_under_load(
    three: Ground, prove: Callable[[str], Proof], lost: int
) -> None:
    proof = prove(f"three brokers: kill -9 of broker {lost} under load")
    with three.load(replication=3) as load, load.running():
        load.flows()
        three.kafka.kill(lost)
        proof.begins()
        load.goes_round()  # without the third
        proof.recovered()
        load.flows()
        three.kafka.start()
        load.flows()
        load.stop()
        load.prove(proof)
    proof.holds()


def test_two_brokers_of_three_are_lost_and_come_back(
    three: Ground, prove: Callable[[str], Proof]
) -> None:
    proof = prove("three brokers: kill -9 of two, then back")
    with three.load(replication=3) as load, load.running():
        load.flows()
        three.kafka.kill(2)
        three.kafka.kill(3)
        load.flows()  # commands are taken: their facts wait, since one broker may not acknowledge
        until(lambda: load.sql(BEHIND)[0][0] > 0, "facts wait for a second broker", WAIT_S)
        three.kafka.start()
        proof.begins()
        load.goes_round()
        proof.recovered()
        load.flows()
        load.stop()
        load.prove(proof)
    proof.holds()
