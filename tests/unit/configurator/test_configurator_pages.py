"""The guided page as a browser without JavaScript meets it: what it shows, stores, refuses and survives."""

import re
from datetime import date
from typing import Any

import pytest

from contracts import places
from contracts.configuration import ConfiguredItem, Decision, RejectedItem, RequestedItem
from services.configurator.pages import reading
from services.configurator.pages.beside import configured
from tests.unit.configurator.guide import DEAL, NR, Guide, catalogue, station, text_of

NEW = places.first_item(DEAL)
STATION = {"product": "base_station", "quantity": "3"}
SAVE = {**STATION, **NR, "intent": "save", "once": "once-0001"}
ITEM: dict[str, Any] = {
    "item_id": "site",
    "product": "base_station",
    "quantity": "2",
    "label": "North",
    "decisions": [
        {"attribute": "station_type", "value": "macro", "source": "requirement"},
        {"attribute": "technology", "value": "nr", "source": "user"},
        {"attribute": "nr_bands", "value": ["n78"], "source": "user"},
        {"attribute": "lte_bands", "value": [], "source": "rule"},
    ],
}
OTHER: dict[str, Any] = {**ITEM, "item_id": "south", "label": "South"}
EDIT = places.item("Q-1001", "site")


@pytest.fixture
def guide() -> Guide:
    return Guide()


def card(page: Any, question: str) -> str:
    """Return the HTML of one question."""
    found = re.search(
        rf'<details class="q" id="q-{question}".*?(?=<details class="q"|</section>)',
        page.text,
        re.DOTALL,
    )
    assert found is not None
    return found[0]


class TestLooking:
    """What one sees before anything is stored."""

    def test_the_product_is_chosen_first(self, guide: Guide) -> None:
        page = guide.gets(NEW)
        assert page.status_code == 200
        assert "What does Example <b>Ltd</b> need?" in text_of(page)
        assert f'href="{NEW}?product=base_station"' in page.text
        assert "<b>Ltd" not in page.text

    def test_open_questions_come_first_and_stand_open(self, guide: Guide) -> None:
        page = guide.gets(f"{NEW}?product=base_station")
        assert (
            "Still to be answered: Station type , Technology , 5G NR bands , LTE bands ."
            in text_of(page)
        )
        assert card(page, "station_type").startswith('<details class="q" id="q-station_type" open>')
        assert " open" not in card(page, "mount").partition(">")[0]
        assert "The price stands here once every open question is answered." in text_of(page)
        assert guide.peers.wrote() == []

    def test_an_impossible_answer_is_disabled_with_the_reason(self, guide: Guide) -> None:
        page = guide.posts(NEW, {**STATION, "a-station_type": "micro", "u-mount": "on"})
        tower = re.search(r'<input[^>]*value="tower"[^>]*>', page.text)
        assert tower is not None and "disabled" in tower[0]
        assert (
            "Not with Station type: Micro (medium range). A micro station hangs on a pole"
            in text_of(page)
        )
        assert '<a href="#q-station_type">Change Station type</a>' in card(page, "mount")

    def test_what_is_fixed_says_why(self, guide: Guide) -> None:
        page = guide.posts(NEW, {**STATION, **NR})
        cooling = card(
            guide.posts(
                NEW,
                {**STATION, **NR, "a-climate": "hot", "a-cabinet": "out12", "u-cooling": "on"},
            ),
            "cooling",
        )
        assert "Follows" in cooling and "Why is this fixed?" in cooling
        assert "Above 40 °C an outdoor cabinet needs an air conditioner." in cooling
        assert "Why is this fixed?" not in card(page, "station_type")

    def test_answers_that_do_not_go_together_stay_with_the_way_out(self, guide: Guide) -> None:
        both = {**STATION, "a-station_type": "micro", "a-mount": "tower"}
        page = guide.posts(NEW, both)
        assert page.status_code == 200
        assert "Not all of this is possible. These do not go together" in text_of(page)
        for each in ("micro", "tower"):
            chosen = re.search(rf'<input[^>]*value="{each}"[^>]*>', page.text)
            assert chosen is not None and "checked" in chosen[0] and "disabled" not in chosen[0]
        mended = guide.posts(NEW, {**both, "drop": "mount"})
        assert "Not all of this is possible" not in text_of(mended)

    def test_numbers_say_what_is_possible_and_why_no_more(self, guide: Guide) -> None:
        answers = {**STATION, **NR, "a-mount": "rooftop", "u-sectors": "on"}
        sectors = card(guide.posts(NEW, answers), "sectors")
        assert "Possible now: 1 to 3." in sectors
        assert "More than three sectors need a tower." in sectors

    def test_none_of_these_and_an_option_the_last_one_counts(self, guide: Guide) -> None:
        ticked = {**STATION, "a-features-vonr": "on", "a-features-": "on"}
        assert 'q-words">Voice over NR<' in card(
            guide.posts(NEW, {**ticked, "w-features": "none"}), "features"
        )
        assert 'q-words">None<' in card(guide.posts(NEW, {**ticked, "w-features": ""}), "features")

    def test_words_to_look_for_are_bounded(self, guide: Guide) -> None:
        """Half a megabyte of words was compared with every label, for four seconds."""
        page = guide.posts(NEW, {**STATION, "find": "mast " * 100_000, "s-features": "x" * 9_999})
        assert page.status_code == 200
        assert "mast " * 40 in page.text
        assert "mast " * 41 not in page.text
        assert "x" * 201 not in page.text

    def test_a_step_that_waits_for_nothing_is_one_line(self, guide: Guide) -> None:
        page = guide.gets(f"{NEW}?product=base_station").text
        assert re.findall(r'<details class="fold" id="t-(\w+)" open>', page) == ["site", "spectrum"]
        assert '<span class="soft">2 to answer</span>' in page
        assert '<span class="soft">6 proposed</span>' in page
        chosen = guide.posts(NEW, {**STATION, **NR, "a-cabinet": "out12", "u-cooling": "on"}).text
        assert re.findall(r'<details class="fold" id="t-(\w+)" open>', chosen) == ["enclosure"]
        found = guide.posts(NEW, {**STATION, "find": "cooling"}).text
        assert '<details class="fold" id="t-enclosure" open>' in found

    def test_without_scripts_a_button_asks_for_the_prices_of_its_question(
        self, guide: Guide
    ) -> None:
        page = guide.gets(f"{NEW}?product=base_station")
        assert '<button class="second" name="prices" value="technology"' in card(page, "technology")
        page = guide.posts(NEW, {**STATION, **NR, "prices": "mount"})
        priced = card(page, "mount")
        assert '<div class="prices" tabindex="-1" autofocus>' in priced
        assert "List price of one item at least" in priced
        assert 'name="prices" value="mount"' not in priced
        guide.peers.away = {"pricer"}
        away = card(guide.posts(NEW, {**STATION, **NR, "prices": "mount"}), "mount")
        assert "Prices can not be had now" in away
        assert guide.posts(NEW, {**STATION, "prices": "<b>no</b>"}).status_code == 200

    def test_a_search_shows_what_fits_and_never_loses_the_chosen(self, guide: Guide) -> None:
        page = guide.posts(NEW, {**STATION, "s-features": "voice", "a-features-ipsec": "on"})
        shown = re.findall(r'id="o-features-(\w+)"', card(page, "features"))
        assert shown == ["volte", "vonr", "ipsec"]
        nothing = card(guide.posts(NEW, {**STATION, "s-features": "<i>zz"}), "features")
        assert "Nothing here holds “&lt;i&gt;zz”." in nothing

    def test_a_search_over_all_hides_what_does_not_hold_it_and_keeps_its_answers(
        self, guide: Guide
    ) -> None:
        page = guide.posts(NEW, {**STATION, **NR, "find": "LITHIUM module", "a-climate": "hot"})
        assert "hidden" in card(page, "battery").partition(">")[0]
        page = guide.posts(NEW, {**STATION, **NR, "find": "battery 4 modules", "a-climate": "hot"})
        shown = set(re.findall(r'<details class="q" id="q-(\w+)"(?:(?! hidden)[^>])*>', page.text))
        assert shown == {"battery"}
        assert '<input type="hidden" name="a-climate" value="hot">' in page.text
        waiting = guide.posts(NEW, {**STATION, "find": "battery"})
        assert "hidden" not in card(waiting, "technology").partition(">")[0]

    def test_a_script_gets_the_form_alone(self, guide: Guide) -> None:
        piece = guide.posts(NEW, {**STATION, **NR}, hx_request="true")
        assert piece.status_code == 200
        assert "<html" not in piece.text and '<form method="post"' in piece.text

    def test_the_page_is_light(self, guide: Guide) -> None:
        assert len(guide.posts(NEW, {**STATION, **NR}).content) < 100_000


class TestBeside:
    """Price and approval, asked of others."""

    def test_what_recurs_stands_apart_by_its_period_the_longest_last(self, guide: Guide) -> None:
        guide.peers.charges = ("yearly", "every_4_months", "quarterly", "one_time")
        page = guide.posts(NEW, {**STATION, **NR})
        text = text_of(page)
        called = ("One-time", "Quarterly", "Every 4 months", "Yearly")
        places = [text.index(f"{each} €900.00") for each in called]
        assert places == sorted(places)
        assert "€900.00 every 4 months €900.00 yearly" in text, "and in the bar that stays in sight"

    def test_price_and_approvers_stand_beside_without_cost_or_margin(self, guide: Guide) -> None:
        page = guide.posts(NEW, {**STATION, **NR, "percent": "5,5", "rationale": "First of many"})
        text = text_of(page)
        assert "One-time €900.00 list €1000.00" in text or "One-time €900.00 list €1,000.00" in text
        assert "one step of approval: appr-1 The sales discount is above 3 %" in text
        (asked,) = [each[3] for each in guide.peers.asked if each[0] == "approvals"]
        assert (asked["requested_by"], asked["owner_id"]) == ("user/seller-1", "seller-1")
        assert "37.77" not in page.text and "33.33" not in page.text
        (ask,) = [each for each in guide.peers.asked if each[0] == "pricer"]
        assert ask[4] == {}, "asked in the service's own name"
        assert ask[3]["discounts"] == [
            {"percent": "5.5", "rationale": "First of many", "item_id": "base_station-1"}
        ]

    def test_other_items_of_the_quote_count(self, guide: Guide) -> None:
        guide.peers.items = [
            ITEM,
            OTHER,
            {**OTHER, "item_id": "old", "product": "gone", "label": "Old"},
        ]
        text = text_of(guide.gets(EDIT))
        assert "Whole quote, net €900.00 (10% below list)" in text
        assert "Without Old, which can not be configured as it stands." in text

    @pytest.mark.parametrize(
        ("away", "said", "kept"),
        [
            ("pricer", "The price can not be had now.", "Bill of materials, 16 parts"),
            ("approvals", "Who would have to approve can not be said now", "€900.00"),
        ],
    )
    def test_who_does_not_answer_is_said_and_the_rest_is_shown(
        self, away: str, said: str, kept: str, guide: Guide
    ) -> None:
        guide.peers.away = {away}
        page = guide.posts(NEW, {**STATION, **NR})
        assert page.status_code == 200
        assert said in text_of(page) and kept in text_of(page)


class TestStoring:
    """Into the quote, through quotes, in the reader's own name."""

    def test_the_first_item_makes_a_quote_and_asks_for_its_price(self, guide: Guide) -> None:
        done = guide.posts(
            NEW, {**SAVE, "label": "North", "percent": "4", "rationale": "First of many"}
        )
        assert (done.status_code, done.headers["location"]) == (303, places.quote("Q-1001"))
        drafted, edited = guide.peers.wrote()
        assert drafted == ("POST", f"/quotes/deals/{DEAL}/quotes", {})
        (item,) = edited[2]["items"]
        assert (item["item_id"], item["quantity"], item["label"]) == (
            "base_station-1",
            "3",
            "North",
        )
        assert {each["attribute"]: each["value"] for each in item["decisions"]} == {
            "station_type": "macro",
            "technology": "nr",
            "nr_bands": ["n78"],
            "lte_bands": [],
        }
        assert edited[2]["discounts"][0]["item_id"] == "base_station-1"
        assert edited[2]["submit"] is False
        told = [each[4] for each in guide.peers.asked if each[0] == "quotes"]
        assert {each["authorization"] for each in told} == {f"Bearer {guide.session('seller')}"}
        keys = [each["idempotency-key"] for each in told if "idempotency-key" in each]
        assert keys == ["once-0001.new", "once-0001.edit"]
        assert [each["if-match"] for each in told if "if-match" in each] == ['"e/1"']

    def test_it_can_be_sent_to_approval_at_once(self, guide: Guide) -> None:
        guide.posts(NEW, {**SAVE, "intent": "submit"})
        assert guide.peers.wrote()[-1][2]["submit"] is True

    def test_an_item_is_opened_as_stored_and_put_back_in_its_place(self, guide: Guide) -> None:
        guide.peers.items = [ITEM, OTHER]
        whole = {"percent": "2", "rationale": "For the whole", "item_id": None}
        own = {"percent": "7.50", "rationale": "For the north", "item_id": "site"}
        guide.peers.discounts = [whole, own]
        page = guide.gets(EDIT)
        for text in ('value="North"', 'value="7.5"', ">For the north</textarea>", 'value="2"'):
            assert text in page.text
        done = guide.posts(EDIT, {**SAVE, "etag": "e/1", "label": "North", "quantity": "4"})
        assert done.status_code == 303
        ((_, _, body),) = guide.peers.wrote()
        assert [(each["item_id"], each["quantity"]) for each in body["items"]] == [
            ("site", "4"),
            ("south", "2"),
        ]
        assert body["discounts"] == [whole]
        sources = {each["attribute"]: each["source"] for each in body["items"][0]["decisions"]}
        assert (sources["station_type"], sources["technology"]) == ("requirement", "user")

    def test_one_more_item_gets_an_id_of_its_own(self, guide: Guide) -> None:
        guide.peers.items = [{**ITEM, "item_id": "base_station-1"}]
        guide.posts(places.new_item("Q-1001"), SAVE)
        ((_, _, body),) = guide.peers.wrote()
        assert [each["item_id"] for each in body["items"]] == ["base_station-1", "base_station-2"]

    def test_what_is_not_whole_is_not_stored(self, guide: Guide) -> None:
        page = guide.posts(NEW, {**STATION, "intent": "save", "a-station_type": "macro"})
        assert page.status_code == 422
        assert "Still to be answered: Technology; 5G NR bands; LTE bands" in text_of(page)
        assert guide.peers.wrote() == []

    def test_who_was_slower_keeps_the_answers_and_sees_why(self, guide: Guide) -> None:
        guide.peers.items, guide.peers.stale = [ITEM], True
        page = guide.posts(EDIT, {**SAVE, "a-mount": "rooftop", "etag": "e/0"})
        assert page.status_code == 409
        assert "Q-1001 was changed since you looked" in text_of(page)
        assert 'q-words">Rooftop<' in card(page, "mount")
        assert 'name="etag" value="e/1"' in page.text
        assert guide.posts(EDIT, {**SAVE, "etag": "e/1"}).status_code == 303

    def test_a_quote_that_is_drafted_already_is_gone_on_with(self, guide: Guide) -> None:
        guide.peers.stale = True
        page = guide.posts(NEW, SAVE)
        assert page.status_code == 409
        further = places.new_item("Q-1001")
        assert f'action="{further}"' in page.text and 'value="once-0001"' in page.text
        assert guide.posts(further, {**SAVE, "etag": "e/1"}).status_code == 303
        assert [each[0] for each in guide.peers.wrote()] == ["POST", "PUT", "PUT"]

    def test_what_is_stored_stays_stored_when_quotes_goes_away_after_it(self, guide: Guide) -> None:
        guide.peers.away_after_edit = True
        assert guide.posts(NEW, SAVE).status_code == 303

    def test_when_quotes_is_away_nothing_is_claimed(self, guide: Guide) -> None:
        guide.peers.away = {"quotes"}
        page = guide.posts(NEW, SAVE)
        assert page.status_code == 503
        assert "Nothing is lost." in text_of(page)

    def test_a_removed_item_is_put_back_by_one_click(self, guide: Guide) -> None:
        own = {"percent": "7.5", "rationale": "For the <north>", "item_id": "site"}
        guide.peers.items, guide.peers.discounts = [ITEM, OTHER], [own]
        page = guide.posts(f"{EDIT}/remove", {"once": "once-0002"})
        assert "Removed: 2 × North." in text_of(page)
        assert [each["item_id"] for each in guide.peers.items] == ["south"]
        assert guide.peers.discounts == []
        hidden = dict(re.findall(r'name="(item|discounts|at)" value="([^"]*)"', page.text))
        fields = {
            name: value.replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">")
            for name, value in hidden.items()
        }
        for _ in range(2):
            back = guide.posts(places.items("Q-1001"), fields)
            assert (back.status_code, back.headers["location"]) == (303, places.quote("Q-1001"))
        assert [each["item_id"] for each in guide.peers.items] == ["site", "south"]
        assert guide.peers.discounts == [own]

    def test_who_presses_remove_twice_comes_to_the_quote(self, guide: Guide) -> None:
        guide.peers.items = [ITEM, OTHER]
        guide.posts(f"{EDIT}/remove", {"once": "once-0002"})
        again = guide.posts(f"{EDIT}/remove", {"once": "once-0002"})
        assert (again.status_code, again.headers["location"]) == (303, places.quote("Q-1001"))
        assert len(guide.peers.wrote()) == 1

    def test_what_the_catalogue_does_not_hold_is_not_put_back(self, guide: Guide) -> None:
        item = '{"item_id":"x","product":"teapot","quantity":"1"}'
        page = guide.posts(places.items("Q-1001"), {"item": item})
        assert page.status_code == 404
        assert "There is no product 'teapot'" in text_of(page)
        assert guide.peers.wrote() == []

    def test_the_last_item_stays(self, guide: Guide) -> None:
        guide.peers.items = [ITEM]
        page = guide.posts(f"{EDIT}/remove", {})
        assert page.status_code == 422
        assert "change this item, or withdraw the quote" in text_of(page)


class TestNotNow:
    """Where there is nothing to configure, clear words."""

    @pytest.mark.parametrize(
        ("status", "said"),
        [
            ("withdrawn", "Q-1001 is withdrawn; nothing changes it any more. Clone it"),
            ("presented", "what a customer was shown never changes. Begin a new revision"),
        ],
    )
    def test_a_quote_that_can_not_change(self, status: str, said: str, guide: Guide) -> None:
        guide.peers.items, guide.peers.status = [ITEM], status
        assert said in text_of(guide.gets(EDIT))
        assert said in text_of(guide.posts(EDIT, SAVE))
        assert guide.peers.wrote() == []

    def test_a_quote_in_approval_warns(self, guide: Guide) -> None:
        guide.peers.items, guide.peers.status = [ITEM], "in_approval"
        assert "takes it back from them" in text_of(guide.gets(EDIT))

    def test_a_closed_deal(self, guide: Guide) -> None:
        guide.peers.closed = "lost"
        assert "This deal is lost and takes no further quotes." in text_of(guide.gets(NEW))

    def test_somebody_elses_deal_says_whose_it_is(self, guide: Guide) -> None:
        page = guide.gets(f"{NEW}?product=base_station", "admin")
        assert "This opportunity belongs to seller-1." in text_of(page)

    @pytest.mark.parametrize(
        ("path", "said"),
        [
            (places.new_item("Q-9"), "There is no quote Q-9"),
            (places.item("Q-1001", "nobody"), "Q-1001 has no item nobody"),
            (places.item("..%2F..%2Fadmin", "x"), "Not Found"),
            (f"{NEW}?product=teapot", "There is no product 'teapot'"),
        ],
    )
    def test_what_does_not_exist(self, path: str, said: str, guide: Guide) -> None:
        page = guide.gets(path)
        assert page.status_code == 404
        assert said in text_of(page)

    def test_approvers_do_not_configure(self, guide: Guide) -> None:
        assert guide.gets(NEW, "approver").status_code == 403


HOSTILE = [
    ("a-station_type", "<script>", "Choose one of the answers shown"),
    ("a-sectors", "9999999999999", "Give a whole number from 1 to 6"),
    ("a-sectors", "١", "Give a whole number from 1 to 6"),
    ("a-electrical_tilt", "maybe", "Choose one of the answers shown"),
    ("quantity", "1.5", "Give a whole number from 1 to 5000"),
    ("quantity", "1e400", "Give a whole number from 1 to 5000"),
    ("quantity", "", "Give a whole number from 1 to 5000"),
    ("label", "x" * 201, "Keep the name to 200 characters"),
    ("percent", "NaN", "Give a number from 0 to 100"),
    ("percent", "120", "Give a number from 0 to 100"),
    ("percent", "5", "Say why in 3 to 1000 characters"),
    ("rationale", "no discount", "Give the discount that this is the reason for"),
]


@pytest.mark.parametrize(("name", "value", "said"), HOSTILE)
def test_wrong_input_is_said_by_its_field(name: str, value: str, said: str) -> None:
    errors: dict[str, str] = {}
    form = {**SAVE, name: value}
    about = reading.About.of(form)
    reading.answers(station(), form, (), errors)
    about.amount(station(), errors), about.named(errors), about.discount("x", errors)
    field = (
        "rationale" if said.startswith("Say why") else "percent" if name == "rationale" else name
    )
    assert said in errors[field]
    assert set(errors) <= {field, "rationale"}


def test_wrong_input_is_said_beside_its_field_and_stored_nowhere(guide: Guide) -> None:
    fields = {
        **SAVE,
        "a-technology": "<script>",
        "a-sectors": "7",
        "quantity": "-1",
        "percent": "x",
    }
    for intent, status in (("show", 200), ("save", 422)):
        page = guide.posts(NEW, {**fields, "intent": intent})
        assert (page.status_code, guide.peers.wrote()) == (status, [])
        assert "<script>" not in page.text
        for id_ in ("e-quantity", "e-percent", "e-rationale", "x-sectors"):
            assert f'id="{id_}"' in page.text
        assert "Choose one of the answers shown" in card(page, "technology")
    # Above all else, where the focus goes: what is wrong, each a link to where it is.
    assert "Please correct the form. Look at what is marked." in text_of(page)
    for id_ in ("f-quantity", "f-percent", "q-technology", "q-sectors"):
        assert f'<li><a href="#{id_}">' in page.text and f' id="{id_}"' in page.text


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"item": "{}"},
        {"item": "not json"},
        {"item": '{"item_id":"../x","product":"p","quantity":"1"}'},
        {"item": '{"item_id":"x","product":"p","quantity":"1"}', "discounts": "[1]"},
        {"item": '{"item_id":"x","product":"p","quantity":"1"}', "at": "x"},
    ],
)
def test_nothing_is_put_back_that_was_not_removed(fields: dict[str, str], guide: Guide) -> None:
    assert guide.posts(places.items("Q-1001"), fields).status_code == 422
    assert guide.peers.wrote() == []


def test_a_form_without_its_token_is_refused(guide: Guide) -> None:
    assert guide.posts(NEW, {**SAVE, "form_token": "forged"}).status_code == 403
    assert guide.posts(NEW, SAVE, sec_fetch_site="cross-site").status_code == 403
    assert guide.peers.asked == []


def test_an_answer_of_an_older_model_is_named_and_let_go(guide: Guide) -> None:
    old = Decision(attribute="gone", value="x", source="user").model_dump(mode="json")
    guide.peers.items = [{**ITEM, "decisions": [*ITEM["decisions"], old]}]
    page = guide.gets(EDIT)
    assert "An earlier answer no longer fits. Base_station has no attribute 'gone'" in text_of(page)
    assert "The configuration is complete." in text_of(page)


def test_a_session_that_has_ended_loads_the_page_again(guide: Guide) -> None:
    piece = guide.posts(NEW, SAVE, hx_request="true", cookie="qw_session=old")
    assert (piece.status_code, piece.headers["hx-refresh"]) == (200, "true")


class TestKept:
    """Answers that are kept from one drawing of the page to the next."""

    @pytest.mark.parametrize("first", [1, True])
    def test_an_answer_of_another_kind_is_never_taken_for_one_that_was_kept(
        self, first: int
    ) -> None:
        found = {}
        for sectors in (first, True, 1):
            item = RequestedItem.model_validate(
                {
                    **ITEM,
                    "item_id": f"kept-{first!r}",
                    "decisions": [
                        *ITEM["decisions"],
                        {"attribute": "sectors", "value": sectors, "source": "user"},
                    ],
                }
            )
            found[repr(sectors)] = configured(catalogue(), item, date(2026, 11, 28))
        assert isinstance(found["1"], ConfiguredItem)
        assert isinstance(found["True"], RejectedItem)
