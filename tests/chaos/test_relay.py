"""The relay dies at every point of its loop, and two relays run at once: nothing is lost or reordered."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos import dying
from tests.chaos.loading import WAIT_S, Load
from tests.chaos.proof import Proof
from tests.e2e.place import until

pytestmark = [pytest.mark.prove, pytest.mark.kafka]
SAID = {
    "after_read": "after reading, before producing",
    "half_produced": "with half of a batch produced",
    "all_acknowledged": "with all acknowledged",
    "before_position": "before saving its position",
    "after_position": "after saving its position",
}


@pytest.mark.drawable
@pytest.mark.parametrize("point", dying.POINTS)
def test_a_relay_that_dies_loses_and_reorders_nothing(
    load: Load, prove: Callable[[str], Proof], point: str
) -> None:
    proof = prove(f"relay: kill -9 {SAID[point]}")
    teller = load.apart.programs["teller"]
    load.apart.kill("teller")
    load.apart.programs["teller"] = replace(teller, variables={dying.VARIABLE: point})
    load.apart.start("teller")
    with load.running():
        until(lambda: load.apart.died("teller"), f"the relay dies {point}", WAIT_S)
        proof.begins()
        load.apart.programs["teller"] = teller
        load.apart.start("teller")
        load.goes_round()
        proof.recovered()
        load.flows()
    load.prove(proof)
    if point in {"half_produced", "all_acknowledged", "before_position"}:
        proof.check("doubles came", [] if proof.duplicates else ["nothing came twice"])
    proof.holds()
