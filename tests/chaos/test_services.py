"""Any one service dies in the middle of walks, or all of them: every quote is finished once."""

from collections.abc import Callable

import pytest

from quotewright.prefixes import PREFIXES
from tests.chaos.proof import Proof
from tests.chaos.walking import Walks
from tests.e2e.place import Place

pytestmark = [pytest.mark.prove, pytest.mark.kafka]


@pytest.mark.drawable
@pytest.mark.parametrize("victim", PREFIXES)
def test_quotes_are_finished_once_though_a_service_is_killed(
    house: Place, prove: Callable[[str], Proof], victim: str
) -> None:
    proof = prove(f"{victim}: kill -9 under walks")
    assert house.apart is not None
    walks = Walks(house)
    house.apart.kill(victim)
    proof.begins()
    house.apart.start(victim)
    walks.finish()
    proof.recovered()
    walks.prove(proof)
    proof.holds()


def test_quotes_are_finished_once_though_every_service_is_killed_in_turn(
    house: Place, prove: Callable[[str], Proof]
) -> None:
    proof = prove("all six services: kill -9 in turn, under walks")
    assert house.apart is not None
    walks = Walks(house)
    proof.begins()
    for victim in PREFIXES:
        house.apart.kill(victim)
        house.apart.start(victim)
    walks.finish()
    proof.recovered()
    walks.prove(proof)
    proof.holds()
