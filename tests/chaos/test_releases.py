"""Old and new releases side by side, and ten thousand parked facts: they wait, and come in order."""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from contracts.envelope import Sealed
from tests.chaos.ground import Ground
from tests.chaos.load import MENDED, RAISES
from tests.chaos.loading import SCALE, WAIT_S, Load
from tests.chaos.proof import Proof
from tests.chaos.strangers import as_stored, stranger, with_header
from tests.e2e.place import until

pytestmark = [pytest.mark.prove, pytest.mark.kafka]
NEW = {"CHAOS_RELEASE": "2"}
PARKED = 10_000 if SCALE > 1 else 500
EACH = 100


def becomes(load: Load, name: str, **variables: str) -> None:
    """Replace a process by one of another release, as a rolling deployment does."""
    load.apart.terminate(name)
    load.apart.programs[name] = replace(load.apart.programs[name], variables=variables)
    load.apart.start(name)


def test_a_new_publisher_before_an_old_reader_makes_facts_wait_for_the_readers_release(
    load: Load, prove: Callable[[str], Proof]
) -> None:
    proof = prove("rolling release: new publisher, old reader; then the reader is replaced")
    with load.running():
        load.flows()
        becomes(load, "teller", **NEW)
        load.flows()
        until(lambda: load.parked("hearer") > 0, "newer facts wait", WAIT_S)
        waited = load.parked("hearer")
        proof.begins()
        becomes(load, "hearer", **NEW)
        load.goes_round()
        proof.recovered()
    until(lambda: load.parked("hearer") == 0, "nothing waits any more", WAIT_S)
    load.prove(proof, retried={str(deal) for deal in load.deals})
    proof.note = f"{waited} and more facts waited"
    proof.holds()


def test_a_new_reader_before_an_old_publisher_reads_old_facts(
    load: Load, prove: Callable[[str], Proof]
) -> None:
    proof = prove("rolling release: new reader, old publisher; then the publisher is replaced")
    with load.running():
        load.flows()
        proof.begins()
        becomes(load, "hearer", **NEW)
        load.goes_round()
        proof.recovered()
        load.flows()
        becomes(load, "teller", **NEW)
        load.flows()
    load.prove(proof)
    proof.holds()


def test_many_parked_facts_are_handled_in_order_when_asked_again(
    load: Load, servers: Ground, prove: Callable[[str], Proof]
) -> None:
    proof = prove(f"{PARKED} parked facts, tried again in order")
    said: list[Sealed] = []
    for deal in (uuid4() for _ in range(PARKED // EACH)):
        facts = [stranger(deal, number) for number in range(1, EACH + 1)]
        said += [with_header(facts[0], "ce_actor", RAISES), *facts[1:]]
    load.says(servers.kafka.bootstrap, *said)
    until(lambda: load.parked("hearer") == PARKED, "all of them are parked", 5 * WAIT_S)
    load.apart.terminate("hearer")
    hearer = load.apart.programs["hearer"]
    load.apart.programs["hearer"] = replace(hearer, variables={MENDED: "yes"})
    load.apart.start("hearer")
    with load.running():
        load.flows()
        proof.begins()
        load.retries("hearer")
        until(lambda: load.parked("hearer") == 0, "all of them are handled", 10 * WAIT_S)
        proof.recovered()
        load.goes_round()
    strangers = [as_stored(each, handled=True) for each in said]
    load.prove(proof, strangers=strangers, retried={each.key.decode() for each in said})
    proof.holds()
