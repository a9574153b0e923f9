"""The guided page, question by question: which is next, which list their answers, what mends an impossible one."""

import html
import re
from itertools import combinations
from typing import Any

import pytest
from hypothesis import assume, given

from contracts import places
from contracts.configuration import Decision
from services.configurator.domain.answers.guiding import Card, State, Step, steps, waiting
from services.configurator.domain.answers.mending import mends
from services.configurator.domain.answers.options import judged, options, standing
from services.configurator.domain.prices.reasons import why
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.decisions import binding
from services.configurator.pages import reading
from tests.unit.configurator import guide as guides
from tests.unit.configurator import large
from tests.unit.configurator.guide import DEAL, NR, Guide, station, text_of
from tests.unit.configurator.small import a_choice, bound, meets, published, valid_points
from tests.unit.configurator.test_configurator_laws import LAWS, decisions, models

NEW = places.first_item(DEAL)
STATION = {"product": "base_station", "quantity": "3"}
MICRO = {**STATION, "a-station_type": "micro"}


@pytest.fixture
def guide() -> Guide:
    return Guide()


def pressed(page: Any, name: str, says: str) -> dict[str, str]:
    """Return what the form sends when a button is pressed that begins with these words."""
    found = re.search(
        rf'<button[^>]*name="{name}" value="([^"]*)"[^>]*>{re.escape(says)}', page.text
    )
    assert found is not None, text_of(page)
    drawn = (
        r'<input type="(radio|checkbox|hidden)"[^>]*? name="([^"]+)"(?: value="([^"]*)")?([^>]*)>'
    )
    sent = {
        field: html.unescape(value) if kind == "hidden" else value or "on"
        for kind, field, value, more in re.findall(drawn, page.text)
        if kind == "hidden" or " checked" in more
    }
    return {**sent, **STATION, name: html.unescape(found[1])}


class TestNext:
    """What the page leads to."""

    def test_the_first_question_that_waits_is_next_and_the_last_step_is_the_quote(
        self, guide: Guide
    ) -> None:
        page = guide.posts(NEW, {**STATION, "a-station_type": "macro"})
        assert 'id="next" href="#q-technology">Next: Technology</a>' in page.text
        assert page.text.count('aria-current="step"') == 1
        assert "3 to answer valid so far" in text_of(page)
        page = guide.posts(NEW, {**STATION, **NR})
        assert 'id="next" name="intent" value="save">Put into the quote</button>' in page.text
        assert "Complete and valid €900.00" in text_of(page)

    def test_a_contradiction_comes_before_what_waits(self, guide: Guide) -> None:
        page = guide.posts(NEW, {**MICRO, "a-mount": "tower"})
        assert 'id="next" href="#clash">See the way out</a>' in page.text
        assert "Contradiction See the way out" in text_of(page)

    def test_what_somebody_must_answer_stands_before_what_has_a_default(self) -> None:
        product = published(
            attributes=[
                a_choice("pump", ["low", "high"], default="low"),
                a_choice("motor", ["big"]),
            ]
        )
        (step,) = steps(product, options(product, []), [], lambda *_: ())
        assert [each.id for each in step.cards] == ["motor", "pump"]

    @pytest.mark.parametrize(
        ("states", "found"),
        [(["proposed", "open", "clash"], 2), (["answered", "open", "open"], 1), (["fixed"], None)],
    )
    def test_a_contradiction_then_the_first_open_question(
        self, states: list[State], found: int | None
    ) -> None:
        cards = [Card(f"q{at}", "choice", "", "", each, "") for at, each in enumerate(states)]
        first = waiting([Step("s", "", "", (each,)) for each in cards])
        assert first == (None if found is None else cards[found])


class TestWaysOut:
    """An impossible answer is offered with what to give up, and one press takes it."""

    def test_the_button_says_what_it_does_and_does_it(self, guide: Guide) -> None:
        page = guide.posts(NEW, {**MICRO, "u-mount": "on"})
        says = "Choose Tower or mast; gives up: Station type: Micro (medium range)"
        done = guide.posts(NEW, pressed(page, "take", says))
        assert "Not all of this is possible" not in text_of(done)
        assert re.search('id="o-mount-tower"[^>]* checked', done.text)
        assert not re.search('id="o-station_type-micro"[^>]* checked', done.text)

    def test_a_contradiction_is_mended_by_one_press(self, guide: Guide) -> None:
        page = guide.posts(NEW, {**MICRO, "a-mount": "tower"})
        done = guide.posts(NEW, pressed(page, "drop", "Give up Mounting: Tower or mast"))
        assert "Not all of this is possible" not in text_of(done)
        assert re.search('id="o-station_type-micro"[^>]* checked', done.text)

    def test_further_reasons_are_given_when_asked(self, guide: Guide) -> None:
        fields = {**STATION, "a-station_type": "micro", "a-mount": "pole_wall", "u-sectors": "on"}
        page = guide.posts(NEW, {**fields, "a-sectors": "2", "more": "sectors 6"})
        made = [
            Decision(attribute="station_type", value="micro", source="user"),
            Decision(attribute="mount", value="pole_wall", source="user"),
        ]
        reasons = why(station(), made, "sectors", 4).reasons
        assert len(reasons) > 1
        plain = guide.posts(NEW, {**fields, "more": "sectors 4"})
        for each in reasons:
            assert each.message in text_of(plain)
        assert "More reasons" in text_of(page)

    def test_where_the_rules_alone_forbid_it_nothing_is_offered(self, guide: Guide) -> None:
        page = guide.gets(f"{NEW}?product=base_station")
        assert 'name="take"' not in page.text

    @pytest.mark.parametrize(
        "take",
        [
            "",
            "mount",
            "gone x",
            "mount <b> y",
            "sectors 99 mount",
            "nr_bands gone",
            "mount tower mount",
        ],
    )
    def test_a_button_nobody_drew_breaks_nothing(self, take: str, guide: Guide) -> None:
        page = guide.posts(NEW, {**STATION, "take": take, "more": take})
        assert page.status_code == 200
        assert "<b> y" not in page.text

    def test_a_choice_beside_others_keeps_them(self) -> None:
        form = {"a-nr_bands-": "on", "take": "nr_bands n78 mount"}
        assert reading.mended(station(), form) == {
            "a-nr_bands-n78": "on",
            "take": "nr_bands n78 mount",
            "drop": "mount",
        }


@LAWS
@given(models(), decisions())
def test_every_way_out_works_and_no_smaller_one_does(
    model: dict[str, Any], made: tuple[Decision, ...]
) -> None:
    product = bound(**model)
    points = valid_points(product.model)
    assume(points)
    at = standing(product, made)
    for state in judged(product, at).attributes:
        others = [each for each in made if each.attribute != state.attribute]
        for option in state.options:
            ways = mends(product, made, state.attribute, option.option, option.conflicts_with)
            chosen = _chosen(made, state.attribute, option.option, state.kind)
            least = _least(points, others, chosen)
            assert {len(each.drop) for each in ways} <= {least}
            assert bool(ways) == bool(least), (
                "none, if nothing is in the way or the rules alone are"
            )
            for way in ways:
                left = [each for each in others if each.attribute not in way.drop]
                assert any(meets(point, [*left, chosen]) for point in points)


def _chosen(made: tuple[Decision, ...], name: str, option: Any, kind: str) -> Decision:
    held = next((each.value for each in made if each.attribute == name), ())
    if kind == "multi":
        assert isinstance(held, tuple)
        option = tuple(each for each in ("sensor", "valve") if each in {*held, option})
    return Decision(attribute=name, value=option, source="user")


def _least(points: Any, others: list[Decision], chosen: Decision) -> int | None:
    """Return how few decisions must go so that the rest holds with what is chosen."""
    for size in range(len(others) + 1):
        for kept in combinations(others, len(others) - size):
            if any(meets(point, [*kept, chosen]) for point in points):
                return size
    return None


class TestFolding:
    """Questions list their answers where somebody looks at them."""

    def test_what_is_not_looked_at_sends_its_answer_along(self, guide: Guide) -> None:
        fields = {**STATION, **NR, "a-mount": "tower", "a-features-vonr": "on", "a-extras-": "on"}
        page = guide.posts(NEW, fields)
        assert '<input type="hidden" name="a-mount" value="tower">' in page.text
        assert '<input type="hidden" name="a-features-vonr" value="on">' in page.text
        assert 'id="o-mount-tower"' not in page.text
        opened = guide.posts(NEW, {**fields, "u-mount": "on"})
        assert re.search('id="o-mount-tower"[^>]* checked', opened.text)

    def test_listing_some_questions_judges_these_as_judging_all_does(self) -> None:
        product = station()
        made = binding(product, [Decision(attribute="station_type", value="micro", source="user")])
        whole = options(product, made)
        some = judged(product, standing(product, made), {"mount", "sectors"})
        listed = {each.attribute: each.options for each in some.attributes if each.options}
        assert listed == {
            each.attribute: each.options
            for each in whole.attributes
            if each.attribute in {"mount", "sectors"}
        }

    def test_a_search_lists_the_answers_that_it_found(self, guide: Guide) -> None:
        page = guide.posts(NEW, {**STATION, **NR, "find": "4 modules"})
        assert re.findall(r'id="o-battery-(\w+)"', page.text) == ["li4"]
        assert 'name="u-battery" value=""' in page.text, "and folds them again afterwards"

    def test_a_page_of_500_options_lists_what_is_looked_at(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        catalogue = Catalogue([large.product()])
        monkeypatch.setattr(guides, "catalogue", lambda: catalogue)
        page = Guide().gets(f"{NEW}?product=lineup")
        assert page.status_code == 200
        listed = set(re.findall(r'id="o-(q\d+)-', page.text))
        assert listed == {f"q{each}" for each in large.OPEN}
        assert sum(len(each.options) for each in large.product().model.attributes) == large.OPTIONS
        assert len(page.content) < 60_000
