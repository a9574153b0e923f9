"""Consumers freeze, share, repeat and choke: every fact has its effect once, in the deal's order."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from uuid import uuid4

import pytest

from infra.bus_kafka import KafkaBus
from tests.chaos.ground import Ground, records_on
from tests.chaos.load import FREEZES, KILLS, MENDED, RAISES
from tests.chaos.loading import WAIT_S, Load
from tests.chaos.proof import Proof
from tests.chaos.strangers import (
    as_stored,
    broken_json,
    of_newer_version,
    of_unknown_type,
    stranger,
    with_header,
)
from tests.e2e.place import until

pytestmark = [pytest.mark.prove, pytest.mark.kafka]
EPOCHS = "SELECT partition, epoch FROM hearer.positions WHERE topic LIKE '%%.facts'"
DEALS = 40


def epochs(load: Load) -> dict[int, int]:
    return dict(load.sql(EPOCHS))  # type: ignore[arg-type]


def test_a_frozen_consumer_that_wakes_up_after_its_session_ended_changes_nothing(
    load: Load, servers: Ground, prove: Callable[[str], Proof]
) -> None:
    proof = prove("consumer: SIGSTOP past its session, then SIGCONT (zombie)")
    load.apart.add("hearer2", replace(load.apart.programs["hearer"], variables={MENDED: "yes"}))
    # Of so many deals some are in a partition of the first: it freezes with a slice in its hands.
    freezing = [stranger(uuid4(), 1, FREEZES) for _ in range(DEALS)]
    with load.running():
        load.flows()
        load.apart.start("hearer2")
        load.goes_round()
        before = epochs(load)
        load.says(servers.kafka.bootstrap, *freezing)
        until(lambda: load.apart.frozen("hearer"), "the first freezes in the middle of a slice")
        proof.begins()
        load.is_counted()  # the other one has the deal's partition; its relay is still led by this one
        until(
            lambda: all(epoch > before[each] for each, epoch in epochs(load).items()),
            "the other process takes every partition over",
            WAIT_S,
        )
        proof.recovered()
        load.flows()
        load.apart.resume("hearer")
        load.flows()
        load.goes_round()
    load.prove(proof, strangers=[as_stored(each, handled=True) for each in freezing])
    fenced = load.apart.logs["hearer"].read_text(encoding="utf-8").count("fenced")
    assert fenced, "it wrote nothing after it woke up, so nothing was proved"
    proof.note = f"fenced {fenced} times after it woke up"
    proof.holds()


def test_partitions_move_in_the_middle_of_batches(
    load: Load, prove: Callable[[str], Proof]
) -> None:
    proof = prove("consumer: a second process comes, dies, comes and goes")
    load.apart.add("hearer2", load.apart.programs["hearer"])
    with load.running():
        load.flows()
        load.apart.start("hearer2")
        load.flows()
        load.apart.kill("hearer2")
        proof.begins()
        load.apart.start("hearer2")
        load.flows()
        load.apart.terminate("hearer2")
        load.goes_round()
        proof.recovered()
    load.prove(proof)
    proof.holds()


@pytest.mark.drawable
def test_everything_is_delivered_three_times(
    load: Load, servers: Ground, prove: Callable[[str], Proof]
) -> None:
    proof = prove("bus: every record delivered three times, under load")
    bus = KafkaBus(servers.kafka.bootstrap.split(","), {})
    repeated = 0
    with load.running():
        for _ in range(2):
            load.flows()
            for records in records_on(servers.kafka.bootstrap, load.topic):
                bus.produce(load.topic, records)
                bus.produce(load.topic, records)
                repeated += 2 * len(records)
        proof.begins()
        load.goes_round()
        proof.recovered()
    bus.close()
    load.prove(proof)
    # The first round's repeats are themselves repeated in the second.
    proof.check("doubles came", [] if (proof.duplicates or 0) >= repeated else ["too few doubles"])
    proof.holds()


@pytest.mark.drawable
def test_facts_that_can_not_be_handled_wait_and_hold_up_only_their_deal(
    load: Load, servers: Ground, prove: Callable[[str], Proof]
) -> None:
    proof = prove("poison: broken JSON, unknown type, newer version, bug; retried when mended")
    broken, unknown, newer, bug = (
        [stranger(deal, number) for number in (1, 2, 3)] for deal in (uuid4() for _ in range(4))
    )
    broken[1], unknown[1] = broken_json(broken[1]), of_unknown_type(unknown[1])
    newer[1], bug[1] = of_newer_version(newer[1]), with_header(bug[1], "ce_actor", RAISES)
    with load.running():
        load.flows()
        load.says(servers.kafka.bootstrap, *chain(broken, unknown, newer, bug))
        proof.begins()
        load.flows()  # other deals go on
        # Of three deals each: the bad fact, the good one behind it, our own answer to the first.
        until(lambda: load.parked("hearer") == 9, "three facts and those behind them wait", WAIT_S)
        load.goes_round()
        proof.recovered()
        hearer = load.apart.programs["hearer"]
        load.apart.kill("hearer")
        load.apart.programs["hearer"] = replace(hearer, variables={MENDED: "yes"})
        load.apart.start("hearer")
        load.retries("hearer")
        until(lambda: load.parked("hearer") == 6, "what was mended is handled", WAIT_S)
    strangers = [as_stored(each, handled=True) for each in (*bug, broken[0], newer[0], unknown[0])]
    strangers += [as_stored(each, handled=False) for each in (*broken[1:], *newer[1:], unknown[1])]
    strangers += [as_stored(unknown[2], handled=True)]
    load.prove(proof, parked=6, strangers=strangers, retried={bug[0].key.decode()})
    proof.holds()


def test_a_fact_that_kills_its_reader_is_parked_after_some_attempts(
    load: Load, servers: Ground, prove: Callable[[str], Proof]
) -> None:
    proof = prove("poison: a fact that kills the process that reads it")
    deal = uuid4()
    deadly = [stranger(deal, number) for number in (1, 2, 3)]
    deadly[1] = with_header(deadly[1], "ce_actor", KILLS)
    deaths = 0
    with load.running():
        load.flows()
        load.says(servers.kafka.bootstrap, *deadly)
        proof.begins()

        def parked() -> bool:
            nonlocal deaths
            if load.apart.died("hearer"):
                deaths += 1
                load.apart.spawn("hearer")
            return load.parked("hearer") == 3

        until(parked, "the deadly fact and those behind it are parked", WAIT_S)
        load.apart.wait_until_ready("hearer")
        load.goes_round()
        proof.recovered()
    strangers = [as_stored(deadly[0], handled=True)]
    strangers += [as_stored(each, handled=False) for each in deadly[1:]]
    load.prove(proof, parked=3, strangers=strangers)
    proof.note = f"parked after {deaths} deaths"
    proof.check("deaths are bounded", [] if 1 <= deaths <= 5 else [f"{deaths} deaths"])
    proof.holds()
