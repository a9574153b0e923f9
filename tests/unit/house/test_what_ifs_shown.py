"""What a what-if found, as a terminal shows it: no figure is ever cut."""

from io import StringIO

import pytest
from rich.console import Console

from quotewright.what_ifs import show_found


def a_row(name: str, quotes: int) -> dict[str, object]:
    amounts = {
        f"net_{side}": {"amount": amount, "currency": "EUR"}
        for side, amount in (
            ("before", "2216099.61"),
            ("after", "2223741.70"),
            ("change", "7642.09"),
        )
    }
    percents = {
        f"{what}_percent_{side}": "41.14"
        for what in ("margin", "discount")
        for side in ("before", "after")
    }
    counts = {"cheaper": 0, "dearer": 2, "breaches_before": 0, "breaches_after": 1}
    return {"name": name, "quotes": quotes, "approvals_new": 3, **amounts, **percents, **counts}


def shown(width: int, quotes: int = 2) -> str:
    currency = {"currency": "EUR", "total": a_row("all", quotes), "by_tier": [a_row("gold", 1)]}
    report = {"currencies": [currency | {"by_region": [], "by_product": []}]}
    if not quotes:
        report = {"currencies": []}
    what_if = {"what_if_id": "1", "name": "prices of 2027", "state": "done", "trouble": None}
    what_if |= {"quotes": quotes, "quotes_done": quotes}
    told = StringIO()
    show_found(Console(file=told, width=width), {"what_if": what_if, "report": report})
    return told.getvalue()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_figures_are_whole_however_narrow_the_terminal_is(width):
    """A table of eleven columns cut them to `221…` in a terminal of 80."""
    found = shown(width)
    assert "…" not in found
    for figure in ("2216099.61", "2223741.70", "7642.09"):
        assert figure in found.replace(",", "")


def test_a_narrow_terminal_gets_a_sentence_for_each_row():
    assert shown(80).splitlines()[-1] == (
        "  gold: 1 quote, net 2,216,099.61 to 2,223,741.70 (+7,642.09), margin 41.14 to 41.14 %,"
        " discount 41.14 to 41.14 %, 0 cheaper, 2 dearer, breaches 0 to 1, new approvals 3"
    )


def test_a_what_if_over_no_quote_says_so():
    assert shown(80, quotes=0).splitlines()[-1] == (
        "no past quote is of this kind; choose other days, or fewer conditions"
    )
