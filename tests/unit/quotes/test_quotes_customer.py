"""The customer's page: in the brand of who sells, and without a single figure or word of our own."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import jinja2
import pytest
import yaml
from jinja2 import meta, nodes

from infra.pages import LOOK
from services.quotes import brands, main
from services.quotes.api.customers import OFFER
from services.quotes.brands import BadBrands, ink, luminance
from services.quotes.views import offer_view
from tests.unit.quotes.bench import CATALOG, Bench
from tests.unit.quotes.test_quotes_pages import Browser, browser, text_of

__all__ = ["browser"]

SECRET = re.compile(
    r"cost|margin|floor|guardrail|breach|approv|grant|rationale|internal|trace|content_key|etag"
    r"|hands|requested_by|sales_discount|list-emea|fx-ecb",
    re.IGNORECASE,
)
ROLES = Path(__file__).parents[2] / "contract" / "route_roles.yaml"
RATIONALE = "volume over 3 years"  # of the bench's discount


# ---- every state that a customer can meet


def is_open(_: Bench, __: UUID) -> None:
    """Leave the offer as presented."""


def is_superseded(bench: Bench, quote_id: UUID) -> None:
    bench.revised(quote_id, bench.item(quantity=30))


def is_expired(bench: Bench, quote_id: UUID) -> None:
    del quote_id
    bench.later(days=60)
    bench.ring_due()


def is_accepted(bench: Bench, quote_id: UUID) -> None:
    bench.accept(quote_id)


def is_declined(bench: Bench, quote_id: UUID) -> None:
    bench.decline(quote_id)


def is_withdrawn(bench: Bench, quote_id: UUID) -> None:
    bench.withdraw(quote_id)


STATES: tuple[Callable[[Bench, UUID], Any], ...] = (
    is_open,
    is_superseded,
    is_expired,
    is_accepted,
    is_declined,
    is_withdrawn,
)


def offered(browser: Browser, state: Callable[[Bench, UUID], Any]) -> UUID:
    """Present what an approver granted, with a discount, and bring it into a state."""
    bench = browser.bench
    bench.needs_approval = True
    bench.hear(bench.opened())
    quote_id = bench.draft()
    discounts = (bench.discount("5"), bench.discount("0", "macro"))
    bench.edit(quote_id, bench.item(), discounts=discounts, submit=True)
    bench.settle(quote_id)
    state(bench, quote_id)
    return quote_id


FORMS: Mapping[str, tuple[dict[str, str], ...]] = {
    "accept": ({"name": "A. Example", "document_sha256": "0" * 64}, {"name": "", "x": "y"}),
    "change-request": ({"message": "x"}, {"message": "two more sites, please"}),
    "decline": ({"reason_code": "nonsense"}, {"reason_code": "timing", "comment": "next year"}),
}
# Every route that a link opens, but its stream, which sends what the page is made of.
ROUTES = {"GET", "GET page", "GET /document"} | {
    f"POST /{path}{kind}" for path in FORMS for kind in ("", " page")
}


def answers(browser: Browser, quote_id: UUID) -> Iterator[str]:
    """Give everything that the holder of the link can be answered, pages and JSON alike."""
    link = browser.offer(quote_id)
    for _ in range(2):  # before he says anything, and after
        yield browser.gets(link, None).text
        yield browser.asks("GET", link, None).text
        yield browser.asks("GET", f"{link}/document", None).text
        for path, forms in FORMS.items():
            for form in forms:
                yield browser.posts(f"{link}/{path}", form, None).text
                yield browser.asks("POST", f"{link}/{path}", None, json=form).text


def test_every_route_that_a_link_opens_is_searched() -> None:
    declared = yaml.safe_load(ROLES.read_text(encoding="utf-8"))["quotes"]
    opened = {each.replace(OFFER, "").strip() for each in declared if OFFER in each}
    opened = {" ".join(each.split()) for each in opened}
    assert opened - {"GET /live"} == ROUTES, "search the answers of a new route too"


def inner_figures(browser: Browser, quote_id: UUID) -> set[str]:
    """Return our own figures of the offer, as programs and as British readers write them."""
    found: set[str] = set()
    for revision in browser.bench.quote(quote_id).revisions:
        assert revision.price is not None
        inner = revision.price.internal
        each = [inner.cost, inner.margin, *(line.cost for line in inner.lines)]
        found |= {f"{one.amount:f}" for one in each} | {f"{one.amount:,f}" for one in each}
        found |= {f"{inner.margin_percent.root:f}"}
    return found


@pytest.mark.parametrize("state", STATES, ids=lambda each: each.__name__)
def test_nothing_of_our_own_is_in_any_answer_to_a_customer(
    browser: Browser, state: Callable[[Bench, UUID], Any]
) -> None:
    quote_id = offered(browser, state)
    figures = inner_figures(browser, quote_id)
    assert "1000.00" in figures
    for text in answers(browser, quote_id):
        assert SECRET.findall(text) == []
        for words in (RATIONALE, "strategic account", "appr-regional-1", "project stopped"):
            assert words not in text
        for each in figures:
            assert not re.search(rf"(?<![\d.,]){re.escape(each)}(?!\d)", text), each


def test_the_search_for_our_own_finds_it_where_it_may_stand(browser: Browser) -> None:
    quote_id = offered(browser, is_open)
    inside = browser.asks("GET", f"/quotes/{quote_id}", "manager").text
    assert {"margin", "cost", "approv", "rationale", "internal"} <= {
        each.lower() for each in SECRET.findall(inside)
    }
    assert any(each in inside for each in inner_figures(browser, quote_id))


# ---- the templates themselves


def parts_of(name: str) -> Iterator[tuple[str, nodes.Template]]:
    """Give a template and all that it is made of."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([main.TEMPLATES, LOOK]), autoescape=True
    )
    waiting, seen = [name], set()
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        assert environment.loader is not None
        source = environment.loader.get_source(environment, each)[0]
        tree = environment.parse(source)
        waiting += [found for found in meta.find_referenced_templates(tree) if found]
        yield each, tree


def test_the_customers_template_names_only_what_a_customer_may_see(browser: Browser) -> None:
    bench = browser.bench
    quote = bench.quote(offered(browser, is_open))
    known = set(offer_view(quote, quote.revision(1)))
    read = set()
    for _, tree in parts_of("offer.html"):
        for node in tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Name)):
            name = node.name if isinstance(node, nodes.Name) else getattr(node, "attr", "")
            assert not SECRET.search(str(name)), name
            if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
                read |= {node.attr} if node.node.name == "offer" else set()
    assert read <= known
    made_of = {name for name, _ in parts_of("offer.html")}
    assert made_of == {"base.html", "parts.html", "live.html", "offer.html", "offer_body.html"}


# ---- whose paper it is


def test_the_offer_stands_under_the_brand_of_who_sells(browser: Browser) -> None:
    link = browser.offer(offered(browser, is_open))
    page = browser.gets(link, None)
    assert text_of(page).startswith("Offer Q-1001 · Example Networks")
    assert "Quotewright" not in text_of(page)
    assert "Radio access, built to measure" in text_of(page)
    assert '<header class="bar brand-example-networks">' in page.text
    (sheet,) = re.findall(r'href="(/quotes/look/brand-[^"]+)"', page.text)
    style = browser.asks("GET", sheet, None)
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert "background:#12355b" in style.text and "color:#ffffff" in style.text
    (logo,) = re.findall(r'<img class="logo" src="([^"]+)" alt=""', page.text)
    mark = browser.asks("GET", logo, None)
    assert mark.headers["content-type"] == "image/svg+xml"
    assert mark.content == (CATALOG / "brands" / "example-networks.svg").read_bytes()
    assert mark.headers["content-security-policy"].startswith("default-src 'none'")


def test_an_expired_offer_says_so_and_takes_the_wish_for_a_new_one(browser: Browser) -> None:
    quote_id = offered(browser, is_expired)
    link = browser.offer(quote_id)
    told = text_of(browser.gets(link, None))
    assert "This offer was valid until 1 Apr 2026. Ask for a new one here" in told
    assert "Accept the offer" not in told and "Decline" not in told
    form = {"message": "The same again, please"}
    assert browser.posts(f"{link}/change-request", form, None).status_code == 303
    assert "Your wish for a new one is passed on." in text_of(browser.gets(link, None))
    assert browser.bench.quote(quote_id).current.change_asked == "The same again, please"


@pytest.mark.parametrize("state", [is_superseded, is_accepted, is_declined, is_withdrawn])
def test_an_offer_that_is_over_takes_no_answer(
    browser: Browser, state: Callable[[Bench, UUID], Any]
) -> None:
    page = browser.gets(browser.offer(offered(browser, state)), None)
    assert "<form" not in page.text
    assert 'role="status"' in page.text


def test_what_was_typed_into_a_refused_answer_is_kept(browser: Browser) -> None:
    link = browser.offer(offered(browser, is_open))
    long = {"reason_code": "scope", "comment": "no, " * 600}
    told = browser.posts(f"{link}/decline", long, None)
    assert told.status_code == 422
    assert '<option value="scope" selected>' in told.text
    assert '<details class="card" open>' in told.text and "data-kept" in told.text


def test_a_unit_that_the_catalogue_has_lost_leaves_our_own_name(browser: Browser) -> None:
    link = browser.offer(offered(browser, is_open))
    browser.bench.units.clear()
    assert "Quotewright" in text_of(browser.gets(link, None))


@pytest.mark.parametrize(
    "colour", ["#000000", "#ffffff", "#12355b", "#f2c230", "#767676", "#ff0000"]
)
def test_writing_can_be_read_on_every_colour(colour: str) -> None:
    light, dark = sorted((luminance(colour), luminance(ink(colour))), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize(
    "text",
    [
        "id: x",
        "]",
        "- 1",
        'id: x\nlegal_name: X\ntagline: t\ncolours: {primary: "red;}"}',
        'id: "x{}"\nlegal_name: X\ntagline: t\ncolours: {primary: "#12355b"}',
    ],
)
def test_a_brand_that_can_not_be_used_is_named(tmp_path: Path, text: str) -> None:
    assert brands.load(tmp_path) == {}
    (tmp_path / "brands").mkdir()
    (tmp_path / "brands" / "x.yaml").write_text(text, "utf-8")
    with pytest.raises(BadBrands, match=r"x\.yaml"):
        brands.load(tmp_path)
