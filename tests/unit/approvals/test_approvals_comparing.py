"""What changed between two offers: lines that are new, gone or different, and the totals."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from contracts.values import Percent, Quantity
from services.approvals.domain.comparing import LineChange, Offered, compare
from tests.unit.approvals.offers import eur, line

RADIO, MAST = line(1, "1000", "820"), line(2, "500", "500")


def offered(*lines, revision: int = 1) -> Offered:
    return Offered(
        revision=revision,
        net=eur("1"),
        discount_percent=Percent(18),
        valid_until=date(2026, 12, 23),
        lines=lines,
    )


def changes(before, now) -> list[tuple[str, str]]:
    found = compare(offered(*before), offered(*now, revision=2)).lines
    assert found is not None
    return [(each.kind, (each.now or each.before).sku) for each in found]


def test_the_same_lines_are_no_change():
    assert changes([RADIO, MAST], [RADIO, MAST]) == []


def test_the_place_of_a_line_in_its_offer_is_no_change():
    moved = RADIO.model_copy(update={"line": 9})
    assert changes([RADIO, MAST], [MAST, moved]) == []


def test_a_line_is_added_and_another_removed():
    assert changes([RADIO], [MAST]) == [("added", "RRU-2"), ("removed", "RRU-1")]


def test_a_quantity_and_a_price_are_changes_that_show_both_sides():
    more = RADIO.model_copy(update={"quantity": Quantity(3)})
    cheaper = MAST.model_copy(update={"net_unit": eur("450"), "net_total": eur("450")})
    found = compare(offered(RADIO, MAST), offered(more, cheaper)).lines
    assert found == (
        LineChange(kind="changed", before=RADIO, now=more),
        LineChange(kind="changed", before=MAST, now=cheaper),
    )


def test_one_of_two_lines_alike_that_goes_is_removed_once():
    assert changes([RADIO, RADIO], [RADIO]) == [("removed", "RRU-1")]


def test_the_same_part_in_another_item_is_another_line():
    other = RADIO.model_copy(update={"item_id": "second-site"})
    assert changes([RADIO], [RADIO, other]) == [("added", "RRU-1")]


def test_without_the_lines_of_one_side_only_totals_are_compared():
    totals = offered(RADIO).model_copy(update={"lines": None})
    assert compare(totals, offered(RADIO)).lines is None
    assert compare(offered(RADIO), totals).lines is None


LINES = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["1", "2"]), st.integers(1, 3)),
    max_size=6,
).map(
    lambda found: [
        RADIO.model_copy(update={"item_id": item, "sku": sku, "quantity": Quantity(count)})
        for item, sku, count in found
    ]
)


@given(LINES, LINES)
def test_what_is_added_one_way_is_removed_the_other_way(before, now):
    forth = compare(offered(*before), offered(*now)).lines
    back = compare(offered(*now), offered(*before)).lines
    mirrored = {"added": "removed", "removed": "added", "changed": "changed"}
    assert sorted(mirrored[each.kind] for each in forth) == sorted(each.kind for each in back)
    kinds = [each.kind for each in forth]
    assert len(before) + kinds.count("added") - kinds.count("removed") == len(now)
