"""The checks themselves: sound rows pass, and every planted fault is named."""

from dataclasses import replace

import pytest

from tests.chaos.checks import (
    Heard,
    Stored,
    Told,
    broken_streams,
    differing,
    disordered,
    doubled,
    lost,
    turned_back,
    uncopied,
)


def row(stream: str, version: int, **changes: object) -> Stored:
    service = stream.split(".", maxsplit=1)[0]
    command = f"{stream}/{version}"
    made = Stored(service, version, stream, version, "quotewright.Told", "d-1", command, 0)
    return replace(made, **changes)  # type: ignore[arg-type]


SOUND = [row("quotes.quote/1", 1), row("quotes.quote/1", 2), row("pricer.price/1", 1)]
HEARD = [
    Heard(1, "quotes.quote/1/1", "d-1", "t"),
    Heard(2, "pricer.price/1/1", "d-1", "t", causation="quotes.quote/1/1"),
    Heard(3, "quotes.quote/1/2", "d-1", "t", causation="pricer.price/1/1"),
]


def test_sound_rows_pass_every_check() -> None:
    ids = {each.id for each in SOUND}
    told = [Told("r-1", 3), Told("r-2", 1), Told("r-1", 7)]
    assert lost(ids, ids) == []
    assert broken_streams(SOUND) == []
    assert uncopied(SOUND, HEARD) == []
    assert disordered(HEARD) == []
    assert doubled(SOUND) == []
    assert turned_back(told) == []
    assert differing("tally", {"d-1": (1, 2)}, {"d-1": (1, 2)}) == []


def test_a_dropped_row_is_named() -> None:
    kept = [each for each in SOUND if each.version != 1 or "quote" not in each.stream]
    assert lost(["quotes.quote/1/1"], {each.id for each in kept}) == [
        "quotes.quote/1/1 was acknowledged and is not stored"
    ]
    assert broken_streams(kept) == ["quotes.quote/1 has the versions [2]"]
    assert uncopied(SOUND, HEARD[:-1]) == ["quotes.quote/1/2 is stored and was never heard"]
    assert uncopied(kept, HEARD) == ["quotes.quote/1/1 was heard and is not stored"]


def test_a_doubled_fact_is_named() -> None:
    assert broken_streams([*SOUND, SOUND[0]]) == ["quotes.quote/1 has the versions [1, 1, 2]"]
    again = replace(SOUND[0], version=3)
    assert doubled([*SOUND, again]) == ["the command quotes.quote/1/1 took effect 2 times"]
    assert uncopied(SOUND, [*HEARD, HEARD[0]]) == ["quotes.quote/1/1 was heard 2 times"]
    assert disordered([*HEARD, replace(HEARD[2], seq=4)]) == [
        "quotes.quote/1/2 came after version 2"
    ]


def test_swapped_facts_are_named() -> None:
    swapped = [replace(HEARD[0], seq=3), HEARD[1], replace(HEARD[2], seq=1)]
    assert disordered(swapped) == [
        "quotes.quote/1/2 came after version 0",
        "quotes.quote/1/2 came before its cause pricer.price/1/1",
        "pricer.price/1/1 came before its cause quotes.quote/1/1",
        "quotes.quote/1/1 came after version 2",
    ]
    assert turned_back([Told("r-1", 2), Told("r-1", 1)]) == ["r-1 was told 1 after 2"]
    assert turned_back([Told("r-1", 2), Told("r-1", 2)]) == ["r-1 was told 2 after 2"]


def test_a_second_order_and_a_second_answer_are_named() -> None:
    order = row("quotes.quote/2", 1, type="quotewright.OrderPlaced")
    two = replace(order, stream="quotes.quote/3", command="other")
    assert doubled([order, two]) == ["the deal d-1 has 2 orders"]
    answer = row("pricer.price/1", 1, body={"answers": "ask-1"})
    assert doubled([answer, replace(answer, version=2, command="other")]) == [
        "pricer answered ask-1 2 times"
    ]


@pytest.mark.parametrize(
    ("shown", "fault"),
    [
        ({}, "tally lacks d-1"),
        ({"d-1": (1,), "d-2": (1,)}, "tally shows d-2, which no fact tells of"),
        ({"d-1": (2,)}, "tally shows d-1 as (2,), the facts say (1,)"),
    ],
)
def test_a_view_that_is_not_the_fold_is_named(shown: dict[str, tuple[int]], fault: str) -> None:
    assert differing("tally", {"d-1": (1,)}, shown) == [fault]


def test_many_faults_are_counted_not_listed() -> None:
    found = lost(map(str, range(100)), set())
    assert found[-1] == "and 95 more of these"
    assert len(found) == 6
