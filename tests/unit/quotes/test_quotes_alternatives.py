"""All quotes of a deal side by side: figures of each, and the answers in which they differ."""

from typing import Any
from uuid import UUID

import pytest

from services.quotes.domain.alternatives import compared, said
from tests.unit.quotes.bench import Bench


@pytest.fixture
def table(bench: Bench) -> dict[str, Any]:
    """Three quotes: presented, an alternative with another band and one more item, an empty one."""
    bench.presented()
    other = bench.draft()
    bench.edit(other, bench.item(band="n41"), bench.item("micro", 2))
    bench.settle(other)
    bench.draft()
    return compared(bench.deal(), bench.quotes())


def test_each_quote_stands_with_its_figures(table: dict[str, Any]) -> None:
    columns = [(each["number"], each["status"], each["is_open"]) for each in table["quotes"]]
    assert columns == [
        ("Q-1001", "presented", True),
        ("Q-1002", "priced", True),
        ("Q-1003", "draft", True),
    ]
    nets = [each["totals"] and each["totals"]["net"]["amount"] for each in table["quotes"]]
    assert nets == ["570000.00", "598500.00", None]
    assert [each["valid_until"] for each in table["quotes"]] == ["2026-04-01", None, None]
    assert table["charges"] == ["one_time"]
    assert [list(each["net_by_charge"]) for each in table["quotes"]] == [
        ["one_time"],
        ["one_time"],
        [],
    ]


def test_charges_stand_once_each_from_once_to_the_longest_period(bench: Bench) -> None:
    bench.hear(bench.opened())
    for charge in ("yearly", "quarterly", "one_time", "quarterly"):
        bench.charge = charge
        quote_id = bench.draft()
        bench.edit(quote_id, bench.item())
        bench.settle(quote_id)
    assert compared(bench.deal(), bench.quotes())["charges"] == ["one_time", "quarterly", "yearly"]


def test_items_are_found_by_id_and_what_differs_is_marked(table: dict[str, Any]) -> None:
    macro, micro = table["items"]
    assert macro["has"] == {
        "label": "Item",
        "cells": ["Macro base station, 40", "Macro base station, 40", None],
        "differs": True,
    }
    assert macro["rows"] == [{"label": "Band", "cells": ["n78", "n41", None], "differs": True}]
    assert micro["rows"] == [{"label": "Band", "cells": [None, "n78", None], "differs": False}]
    assert micro["has"]["cells"] == [None, "Macro base station, 2", None]


def test_quotes_that_are_the_same_differ_in_nothing(bench: Bench) -> None:
    bench.presented()
    other = bench.draft()
    bench.edit(other, bench.item())
    bench.settle(other)
    (item,) = compared(bench.deal(), bench.quotes())["items"]
    assert [item["has"]["differs"], *(each["differs"] for each in item["rows"])] == [False, False]


def test_what_is_not_configured_yet_is_told_in_the_words_of_what_is(bench: Bench) -> None:
    bench.presented()
    bench.edit(bench.draft(), bench.item())
    bench.edit(bench.draft(), bench.item(band="n41"))
    (item,) = compared(bench.deal(), bench.quotes())["items"]
    assert item["rows"] == [{"label": "Band", "cells": ["n78", "n78", "n41"], "differs": True}]


def test_an_answer_that_is_still_open_does_not_differ(bench: Bench) -> None:
    bench.presented()
    bare = bench.item().model_copy(update={"decisions": ()})
    bench.edit(bench.draft(), bare)
    (item,) = compared(bench.deal(), bench.quotes())["items"]
    assert item["rows"] == [{"label": "Band", "cells": ["n78", None], "differs": False}]


def test_a_deal_without_quotes_has_an_empty_table(bench: Bench) -> None:
    bench.hear(bench.opened())
    found = compared(bench.deal(), [])
    assert (found["deal_id"], found["quotes"], found["items"]) == (str(bench.deal_id), [], [])


def test_a_withdrawn_quote_is_shown_and_is_not_open(bench: Bench) -> None:
    quote_id: UUID = bench.presented()
    bench.withdraw(quote_id)
    (column,) = compared(bench.deal(), bench.quotes())["quotes"]
    assert (column["status"], column["is_open"]) == ("withdrawn", False)


def test_answers_of_several_values_are_written_as_a_list() -> None:
    assert [said(("a", "b")), said(True), said(3)] == ["a, b", "True", "3"]
