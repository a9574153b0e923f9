"""Every form of every page, sent as nobody should: clear words come back, nothing is stored or leaked."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import yaml
from markupsafe import escape

from contracts import places
from infra.cookies import FORM_TOKEN, SESSION, form_token
from infra.doors import Limits
from quotewright.client import token_for
from services.pricer import documents
from tests.e2e.place import Place, items_of, until
from tests.pages.browsers import APPROVER, Shown, send

ROLES = Path(__file__).parents[1] / "contract" / "route_roles.yaml"
SERVICES = ("crm_projector", "quotes", "configurator", "pricer", "approvals", "documents")
HTML = '<img src=x onerror="alert(1)">'
NOBODY = UUID(int=7)
# Words that only our insides know.
INSIDES = ("Traceback", "psycopg", "pydantic", "site-packages", "SELECT ", "QW_", "Internal")


@dataclass(frozen=True)
class Target:
    """What hostile forms aim at: the quotes that are shown, and a priced draft with items."""

    house: Place
    shown: Shown
    draft: str
    item: str
    key: str

    def session(self, role: str, who: str = "") -> str:
        name = who or {"approver": APPROVER}.get(role, f"{role}-1")
        return token_for(self.house.stage.laptop.home, name, [role])


@dataclass(frozen=True)
class Wrong:
    """One wrong form: its fields, the status that answers it, and words that say why."""

    fields: Mapping[str, str]
    status: int
    says: str
    path: Callable[[Target], str] | None = None
    who: str = ""


@dataclass(frozen=True)
class Form:
    """A form of a page: who may send it, who may not, where, and what is wrong about it."""

    role: str | None
    not_for: str
    path: Callable[[Target], str]
    wrong: tuple[Wrong, ...] = field(default=())


def draft_of(it: Target) -> str:
    return places.quote(it.draft)


def here(path: str, of: Callable[[Target], str] = draft_of) -> Callable[[Target], str]:
    return lambda it: f"{of(it)}/{path}"


def offer_of(it: Target) -> str:
    return it.shown.open_offer


def foreign(path: str) -> Callable[[Target], str]:
    """The link's token on another quote."""
    return lambda it: (
        f"{it.shown.open_offer.rpartition('/')[0]}/{it.shown.declined_offer.rpartition('/')[2]}/{path}"
    )


NO_QUOTE = lambda what: lambda it: f"/quotes/{HTML.replace('/', '')}/{what}"  # noqa: E731
GONE = lambda what: Wrong({}, 404, "There is no quote", NO_QUOTE(what))  # noqa: E731
STALE = Wrong({"etag": HTML}, 409, "")
NO_ITEM = lambda what: Wrong(  # noqa: E731
    {"intent": "save"}, 404, "", lambda _: f"/configurator/quotes/Q-999999/{what}"
)
REASONS = (
    Wrong({}, 422, "Please correct the form"),
    Wrong({"reason": "  "}, 422, "Please correct the form"),
    Wrong({"reason": HTML * 100}, 422, "Please correct the form"),
)
# Stand for what only the running house knows: the name of a quantity, the key of the open case.
ITEM, KEY = "quantity-{item}", "{key}"
ANY = {"once": "sent-1"}  # a form without any field would be no form
SEEN = {"sha256": "0" * 64, "reason": "why not"}


def acts_on(version: str, act: str, *more: Wrong) -> Form:
    """A form that acts on a version of a price book or an FX table."""
    none = f"/pricer/{version.split('/', maxsplit=1)[0]}/nothing/1/{act}"
    wrong = (
        Wrong({}, 422, "Please correct the form"),
        Wrong({"sha256": HTML, "reason": HTML}, 422, "Please correct the form"),
        Wrong(SEEN | {"reason": HTML * 100}, 422, "Please correct the form"),
        Wrong(SEEN, 404, "There is no", lambda _: none),
        Wrong(SEEN, 404, "Nothing stands at this address", lambda _: none.replace("/1/", "/one/")),
    )
    return Form("manager", "approver", lambda _: f"/pricer/{version}/{act}", (*wrong, *more))


# What takes a whole price book or price list.
TAKE_BOOKS = {"/pricer/books/{key}/{version}/import", places.WHAT_IFS}
BOOK, FX = "books/telecom-list/1", "fx/telecom-fx/1"
FORMS: Mapping[str, Form] = {
    "/pricer/books/{key}/{version}/publish": acts_on(BOOK, "publish", Wrong(SEEN, 422, "publish a draft")),
    "/pricer/books/{key}/{version}/retire": acts_on(BOOK, "retire", Wrong(SEEN, 409, "another content")),
    "/pricer/books/{key}/{version}/discard": acts_on(BOOK, "discard", Wrong(SEEN, 422, "retire it instead")),
    "/pricer/fx/{key}/{version}/publish": acts_on(FX, "publish", Wrong(SEEN, 422, "publish a draft")),
    "/pricer/fx/{key}/{version}/retire": acts_on(FX, "retire", Wrong(SEEN, 409, "another content")),
    "/pricer/fx/{key}/{version}/discard": acts_on(FX, "discard", Wrong(SEEN, 422, "retire it instead")),
    "/pricer/books/{key}/{version}/import": Form(
        "manager",
        "approver",
        lambda _: f"/pricer/{BOOK}/import",
        (
            Wrong({}, 422, "Please correct the form"),
            Wrong({"prices": HTML, "effective": "2027-01-01"}, 422, "has no column sku and price"),
            Wrong({"prices": "sku,price", "effective": HTML}, 422, "Please correct the form"),
            Wrong({"prices": "sku,price,sku", "effective": "2027-01-01"}, 422, "two columns named"),
        ),
    ),
    "/quotes/deals/{deal_id}/quotes": Form(
        "seller",
        "analyst",
        lambda it: f"/quotes/deals/{it.shown.empty_deal.rpartition('/')[2]}/quotes",
        (
            Wrong({}, 404, "There is no deal", lambda _: f"/quotes/deals/{NOBODY}/quotes"),
            Wrong({}, 404, "Nothing stands at this address", lambda _: "/quotes/deals/1'or'1/quotes"),
        ),
    ),
    "/quotes/offers/{quote_id}/{revision}/{token}/accept": Form(
        None,
        "",
        here("accept", offer_of),
        (
            Wrong({}, 422, "Please correct the form"),
            Wrong({"name": HTML, "document_sha256": "0" * 64}, 409, "document"),
            Wrong({"name": HTML, "document_sha256": HTML}, 422, "Please correct the form"),
            Wrong({"name": "x" * 201, "document_sha256": "0" * 64}, 422, "200 characters"),
            Wrong({"name": "Ann", "document_sha256": "0" * 64}, 404, "This link shows no offer", foreign("accept")),
        ),
    ),
    "/quotes/offers/{quote_id}/{revision}/{token}/change-request": Form(
        None,
        "",
        here("change-request", offer_of),
        (
            Wrong({}, 422, "Please correct the form"),
            Wrong({"message": HTML * 200}, 422, "4000 characters"),
            Wrong({"message": "Two more"}, 404, "This link shows no offer", foreign("change-request")),
        ),
    ),
    "/quotes/offers/{quote_id}/{revision}/{token}/decline": Form(
        None,
        "",
        here("decline", offer_of),
        (
            Wrong({}, 422, "Please correct the form"),
            Wrong({"reason_code": HTML, "comment": HTML}, 422, "Please correct the form"),
            Wrong({"reason_code": "price", "comment": HTML * 100}, 422, "2000 characters"),
            Wrong({"reason_code": "price"}, 404, "This link shows no offer", foreign("decline")),
        ),
    ),
    places.SIGN_IN: Form(
        None,
        "",
        lambda _: places.SIGN_IN,
        (
            Wrong({}, 422, "Sign in"),
            Wrong({"person": HTML, "next": HTML}, 422, "Choose a person of the list"),
            Wrong({"token": HTML * 500}, 422, "Sign in"),
        ),
    ),
    places.SIGN_OUT: Form(None, "", lambda _: places.SIGN_OUT),
    "/quotes/{quote}/clone": Form("seller", "approver", here("clone"), (GONE("clone"),)),
    "/quotes/{quote}/draft": Form(
        "seller",
        "manager",
        here("draft"),
        (
            GONE("draft"),
            *(Wrong({ITEM: each}, 422, "Please correct the form") for each in ("", "0", "-1", "1e999", "9" * 400, HTML)),
            *(Wrong({"percent": each, "rationale": HTML}, 422, "Please correct the form") for each in ("NaN", HTML)),
            Wrong({"percent": "101", "rationale": HTML}, 422, "discount"),
            Wrong({"percent": "5", "rationale": HTML * 100}, 422, "Please correct the form"),
            Wrong({"percent": "5"}, 422, "Please correct the form"),
            Wrong({"rationale": HTML}, 422, "Please correct the form"),
            Wrong({ITEM: "3", "etag": HTML}, 409, ""),
        ),
    ),
    "/quotes/{quote}/price/grant": Form(
        "seller",
        "manager",
        here("price/grant"),
        (
            GONE("price/grant"),
            Wrong({}, 422, "Please correct the form"),
            *(Wrong({"value": each, "rationale": HTML}, 422, "Please correct the form") for each in ("NaN", HTML, "1e999")),
            Wrong({"value": "101", "rationale": HTML}, 422, "discount"),
            Wrong({"value": "5", "rationale": HTML * 100}, 422, "Please correct the form"),
            Wrong({"value": "5", "rationale": HTML, "way": HTML}, 422, "Please correct the form"),
            Wrong({"value": "5", "rationale": HTML, "way": "unit_price"}, 422, "Please correct the form"),
            Wrong({"value": "5", "rationale": HTML, "target": HTML}, 422, "There is no item"),
            Wrong({"value": "5", "rationale": HTML, "etag": HTML}, 409, ""),
        ),
    ),
    "/quotes/{quote}/price/take-back": Form(
        "seller",
        "manager",
        here("price/take-back"),
        (GONE("price/take-back"), Wrong({}, 422, "nothing was taken back"), Wrong({"target": HTML}, 422, "")),
    ),
    "/quotes/{quote}/price/target": Form(
        "seller",
        "manager",
        here("price/target"),
        (
            GONE("price/target"),
            *(Wrong({"net": each, "why": HTML}, 422, "Please correct the form") for each in ("", "NaN", HTML, "1e999")),
            Wrong({"net": "5", "why": ""}, 422, "Please correct the form"),
            Wrong({"net": "999999999", "why": "to see"}, 422, "can not raise it"),
            Wrong({"net": "-5", "why": "to see"}, 422, "Give a target of 0"),
            Wrong({"net": "5", "why": "to see", "target": HTML}, 422, "There is no item"),
        ),
    ),
    "/quotes/{quote}/price/quantity": Form(
        "seller",
        "manager",
        here("price/quantity"),
        (GONE("price/quantity"), Wrong({}, 422, "no such item"), Wrong({"item": HTML, "quantity": "5"}, 422, "")),
    ),
    "/quotes/{quote}/price/conditions": Form(
        "seller",
        "manager",
        here("price/conditions"),
        (
            GONE("price/conditions"),
            Wrong({"currency": HTML}, 422, "Please correct the form"),
            *(Wrong({"validity_days": each}, 422, "Please correct the form") for each in ("0", "-1", "1e9", HTML)),
            *(Wrong({"months": each}, 422, "Please correct the form") for each in ("0", "121", HTML)),
            Wrong({"months": "12", "ramp": HTML}, 422, "Please correct the form"),
            Wrong({"months": "12", "ramp": "6\n5"}, 422, "Please correct the form"),
            Wrong({"months": "3", "etag": HTML}, 409, ""),
        ),
    ),
    "/quotes/{quote}/price/reprice": Form(
        "seller",
        "manager",
        here("price/reprice"),
        (
            GONE("price/reprice"),
            Wrong({}, 422, "Please correct the form"),
            Wrong({"reason": HTML, "pins": HTML}, 422, "Please correct the form"),
        ),
    ),
    "/quotes/{quote}/present": Form(
        "seller", "manager", here("present"), (GONE("present"), STALE, Wrong({}, 409, ""))
    ),
    "/quotes/{quote}/recall": Form(
        "seller",
        "manager",
        here("recall"),
        (GONE("recall"), *REASONS, Wrong({"reason": HTML}, 409, "")),
    ),
    "/quotes/{quote}/retry": Form(
        "seller", "manager", here("retry"), (GONE("retry"), Wrong({}, 409, ""))
    ),
    "/quotes/{quote}/revise": Form(
        "seller", "manager", here("revise"), (GONE("revise"), STALE, Wrong({}, 409, ""))
    ),
    "/quotes/{quote}/submit": Form(
        "seller", "manager", here("submit"), (GONE("submit"), STALE)
    ),
    "/quotes/{quote}/withdraw": Form(
        "seller", "approver", here("withdraw"), (GONE("withdraw"), *REASONS)
    ),
    "/approvals/cases/{case_id}/decision": Form(
        "approver",
        "seller",
        lambda it: f"{it.shown.case}/decision",
        (
            Wrong({"verdict": "approve", "content_key": "0" * 64}, 404, "", lambda _: f"{places.case(NOBODY)}/decision"),
            Wrong({}, 422, "Please correct the form"),
            Wrong({"verdict": HTML, "content_key": "0" * 64, "reason": HTML}, 422, "Please correct the form"),
            Wrong({"verdict": "approve", "content_key": HTML}, 422, "Please correct the form"),
            Wrong({"verdict": "approve", "content_key": "0" * 64, "reason": HTML}, 409, ""),
            Wrong({"verdict": "reject", "content_key": "0" * 64, "reason": HTML * 100}, 422, "Please correct the form"),
            Wrong({"verdict": "approve", "content_key": KEY}, 403, "", None, "appr-nobody"),
        ),
    ),
    "/quotes/{quote}/undo": Form("seller", "manager", here("undo"), (GONE("undo"),)),
    "/configurator/deals/{deal_id}/new": Form(
        "seller",
        "manager",
        lambda it: f"/configurator/deals/{it.shown.empty_deal.rpartition('/')[2]}/new",
        (Wrong({"intent": "save"}, 404, "", lambda _: f"/configurator/deals/{NOBODY}/new"),),
    ),
    "/configurator/quotes/{quote}/new": Form(
        "seller", "manager", lambda it: places.new_item(it.draft), (NO_ITEM("new"),)
    ),
    "/configurator/quotes/{quote}/items": Form(
        "seller", "manager", lambda it: places.items(it.draft), (NO_ITEM("items"),)
    ),
    "/configurator/quotes/{quote}/items/{item_id}": Form(
        "seller", "manager", lambda it: places.item(it.draft, it.item), (NO_ITEM("items/site"),)
    ),
    "/configurator/quotes/{quote}/items/{item_id}/remove": Form(
        "seller",
        "manager",
        lambda it: f"{places.item(it.draft, it.item)}/remove",
        (NO_ITEM("items/site/remove"),),
    ),
    "/configurator/sessions/{session_id}/copy": Form(
        "seller",
        "manager",
        lambda _: f"{places.session(NOBODY)}/copy",
        (
            Wrong({}, 404, "You have no such configuration"),
            Wrong({}, 404, "Nothing stands at this address", lambda _: f"{places.session(HTML.replace('/', ''))}/copy"),
        ),
    ),
    "/configurator/sessions/{session_id}/forget": Form(
        "seller",
        "manager",
        lambda _: f"{places.session(NOBODY)}/forget",
        (Wrong({}, 404, "Nothing stands at this address", lambda _: f"{places.SESSIONS}/1'or'1/forget"),),
    ),
    "/configurator/deals/{deal_id}/new/prices": Form(
        "seller",
        "manager",
        lambda it: f"/configurator/deals/{it.shown.empty_deal.rpartition('/')[2]}/new/prices",
        (
            Wrong({"prices": HTML}, 404, "There is no product"),
            Wrong({"prices": "sectors"}, 404, "", lambda _: f"/configurator/deals/{NOBODY}/new/prices"),
        ),
    ),
    "/configurator/quotes/{quote}/new/prices": Form(
        "seller", "manager", lambda it: f"{places.new_item(it.draft)}/prices", (NO_ITEM("new/prices"),)
    ),
    "/configurator/quotes/{quote}/items/{item_id}/prices": Form(
        "seller",
        "manager",
        lambda it: f"{places.item(it.draft, it.item)}/prices",
        (Wrong({"prices": HTML}, 422, "has no attribute"), NO_ITEM("items/site/prices")),
    ),
    "/approvals/cases/{case_id}/questions": Form(
        "approver",
        "seller",
        lambda it: places.questions(it.shown.case.rpartition("/")[2]),
        (
            Wrong({}, 422, "Please correct the form"),
            Wrong({"text": HTML * 100}, 422, "Please correct the form"),
            Wrong({"text": HTML}, 404, "", lambda _: places.questions(NOBODY)),
            Wrong({"text": HTML}, 403, "", None, "appr-nobody"),
        ),
    ),
    "/approvals/cases/{case_id}/questions/{question_id}/answer": Form(
        "seller",
        "approver",
        lambda it: f"{places.questions(it.shown.case.rpartition('/')[2])}/{NOBODY}/answer",
        (Wrong({"text": HTML}, 404, ""),),
    ),
    places.WHAT_IFS: Form(
        "manager",
        "approver",
        lambda _: places.WHAT_IFS,
        (
            Wrong({}, 422, "Please correct the form"),
            Wrong({"name": HTML, "book": HTML}, 422, "Please correct the form"),
            Wrong({"name": HTML, "book": "telecom-list/" + "9" * 400}, 422, "Please correct the form"),
            Wrong({"name": HTML, "book": "telecom-list/99"}, 404, "There is no price book"),
            Wrong({"name": HTML * 100, "book": "telecom-list/1"}, 422, "Please correct the form"),
            Wrong({"name": "x", "book": "telecom-list/1", "first": HTML}, 422, "Please correct the form"),
            Wrong({"name": "x", "book": "telecom-list/1", "day": "0000-00-00"}, 422, "Please correct the form"),
            Wrong({"name": "x", "book": "telecom-list/1", "changes": HTML}, 422, "Please correct the form"),
            Wrong({"name": "x", "book": "telecom-list/1", "changes": "a: &a [*a, *a]"}, 422, "Please correct the form"),
            Wrong({"name": "x", "book": "telecom-list/1", "changes": "without: ['" + HTML + "']"}, 422, "is not in the book"),
            Wrong({"name": "x", "book": "telecom-list/1", "changes": "entries: [{sku: x, price: 1e999999}]"}, 422, "Please correct the form"),
        ),
    ),
    f"{places.WHAT_IFS}/{{what_if_id}}/cancel": Form(
        "manager",
        "approver",
        lambda _: f"{places.what_if(NOBODY)}/cancel",
        (
            Wrong({}, 404, "There is no such what-if"),
            Wrong({}, 404, "Nothing stands at this address", lambda _: f"{places.WHAT_IFS}/1'or'1/cancel"),
        ),
    ),
    "/approvals/mail/{token}": Form(
        None,
        "",
        lambda _: f"/approvals/mail/{'A' * 43}",
        (Wrong({"verdict": "approve"}, 404, ""), Wrong({"verdict": HTML}, 404, "")),
    ),
}  # fmt: skip
CASES = [
    pytest.param(form, wrong, id=f"{route}-{number}")
    for route, form in FORMS.items()
    for number, wrong in enumerate(form.wrong)
]


@pytest.fixture(scope="module")
def target(house: Place, shown: Shown) -> Target:
    """A quote that is priced and can be edited, beside those that are shown."""
    items = items_of("street_micro")
    number: str = house.drafts(house.opens())["number"]
    house.edits(number, items, submit=False)
    house.reaches(number, "priced")
    until(lambda: settled(house), "the house comes to rest")
    case = "SELECT content_key FROM approvals.cases WHERE case_id = %s"
    ((key,),) = house.sql(case, (shown.case.rpartition("/")[2],))
    return Target(house, shown, number, items[0]["item_id"], key)


def settled(house: Place) -> bool:
    ready = httpx.get(f"{house.stage.url}/readyz", trust_env=False).json()
    return not any(ready["lag"].values())


def stored(house: Place) -> list[int]:
    """Return how many facts each service keeps."""
    each = (f"SELECT count(*) FROM {name}.events" for name in SERVICES)
    return [house.sql(statement)[0][0] for statement in each]


def answered(told: httpx.Response, status: int, says: str = "") -> None:
    """Check that a refusal is a page in plain words, of ours, that gives nothing away."""
    text = unescape(re.sub(r"<[^>]+>", " ", told.text))
    assert told.status_code == status, text
    assert told.headers["content-type"] == "text/html; charset=utf-8"
    assert told.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<h1>" in told.text
    assert says in " ".join(text.split())
    assert HTML not in told.text, "what was sent comes back escaped or not at all"
    assert [each for each in INSIDES if each in text] == []
    if SESSION in told.headers.get("set-cookie", ""):
        pytest.fail("a refused form changes no session")


def test_every_form_of_every_page_is_in_the_table() -> None:
    routes = yaml.safe_load(ROLES.read_text(encoding="utf-8"))
    forms = {
        route.removeprefix("POST ").removesuffix(" page")
        for service in routes.values()
        for route in service
        if route.startswith("POST ") and route.endswith(" page")
    }
    assert set(FORMS) == forms, "name a new form here, with what is wrong about it"


@pytest.mark.parametrize(("form", "wrong"), CASES)
def test_a_wrong_form_is_refused_in_words(form: Form, wrong: Wrong, target: Target) -> None:
    before = stored(target.house)
    session = target.session(form.role, wrong.who) if form.role else ""
    token = {FORM_TOKEN: form_token(session)} if session else {}
    known = {ITEM: f"quantity-{target.item}", KEY: target.key}
    fields = {known.get(name, name): known.get(each, each) for name, each in wrong.fields.items()}
    sent = {**ANY, **fields, **token}
    told = send(target.house, (wrong.path or form.path)(target), sent, session)
    answered(told, wrong.status, wrong.says)
    assert stored(target.house) == before
    if form.role != "approver":
        assert "Margin" not in told.text


@pytest.mark.parametrize("route", FORMS)
def test_a_form_that_is_not_of_this_session_and_page_is_refused(route: str, target: Target) -> None:
    form, house = FORMS[route], target.house
    path, before = form.path(target), stored(house)
    session = target.session(form.role) if form.role else ""
    mine = {**ANY, **({FORM_TOKEN: form_token(session)} if session else {})}
    elsewhere = send(house, path, mine, session, sec_fetch_site="cross-site")
    answered(elsewhere, 403, "The form is out of date")
    answered(send(house, path, {**mine, "x": "\x00"}, session), 422, "can not be read")
    most = documents.BYTES_MAX if route in TAKE_BOOKS else Limits().body_bytes
    too_large = send(house, path, {**mine, "x": "x" * (most + 100)}, session)
    answered(too_large, 413, "too large")
    if form.role:
        other = target.session(form.role, "somebody-else")
        for token in ({}, {FORM_TOKEN: ""}, {FORM_TOKEN: form_token(other)}, {FORM_TOKEN: HTML}):
            answered(send(house, path, {**ANY, **token}, session), 403, "The form is out of date")
        away = send(house, path, mine)
        assert (away.status_code, away.headers["location"]) == (303, places.SIGN_IN)
        wrong = target.session(form.not_for)
        refused = send(house, path, {FORM_TOKEN: form_token(wrong)}, wrong)
        answered(refused, 403, "Not allowed for your role")
    assert stored(house) == before


def test_what_a_stranger_writes_is_shown_as_he_wrote_it(target: Target) -> None:
    house, link = target.house, target.shown.open_offer
    told = send(house, f"{link}/change-request", {"message": f"More, please {HTML}"})
    assert told.status_code == 303
    session = target.session("seller")
    for path, cookie, least in ((target.shown.presented, session, 1), (link, "", 0)):
        page = httpx.get(
            house.stage.url + path,
            headers={"accept": "text/html", "cookie": f"{SESSION}={cookie}"},
            trust_env=False,
        )
        assert page.status_code == 200
        assert HTML not in page.text
        assert page.text.count("onerror") == page.text.count(escape(HTML)) >= least
