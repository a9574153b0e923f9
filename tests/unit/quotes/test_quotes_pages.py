"""The pages of quotes as a browser without JavaScript meets them: sessions, forms, capability links."""

import html
import re
from json import dumps
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import APIRouter
from httpx import ASGITransport, Response

from contracts import places
from infra.ask import PeerUnavailable
from infra.cookies import form_token
from infra.keys import SigningKey
from infra.live import Live
from infra.pages import Link, Menu, Pages
from infra.settings import Settings
from infra.signing_in import SignIn, sign_in_routes
from infra.web import Readiness, Surroundings, application
from services.quotes import api, brands, main, pages, words
from services.quotes.api import Doorway
from services.quotes.links import Links
from tests.unit.quotes.bench import CATALOG, Bench
from tests.unit.quotes.test_quotes_api import EDIT, LINK_KEY, SIGNING, Doors, Printer

BROWSER = {"accept": "text/html,application/xhtml+xml", "accept-language": "en-GB"}

BRANDS = brands.load(CATALOG)
HOPS = [
    {"fact": "QuoteDrafted", "actor": "user/seller-1", "time": "2026-03-02T09:00:00+00:00"},
    {"fact": "QuotePriced", "actor": "service/pricer", "time": "2026-03-02T09:00:01+00:00"},
    {
        "fact": "ApprovalQuestionAsked",
        "actor": "user/appr-1",
        "time": "2026-03-02T09:00:01+00:00",
        "said": "Is it <b>signed</b>?",
        "case_id": "00000000-0000-4000-8000-000000000007",
    },
    {"fact": "OrderPlaced", "actor": "anonymous", "time": "2026-03-02T09:00:02+00:00"},
]


class Peers(Printer):
    """Stands for documents, for crm_projector, which knows the history, and for the pricer."""

    trace = b"no trace"
    hops: list[dict[str, Any]] = HOPS
    row: dict[str, Any] | None = None  # the quote as the read tables have it

    def ask(
        self, service: str, method: str, path: str, json: Any = None, headers: Any = None
    ) -> bytes:
        if service == "crm_projector" and path.endswith("/history"):
            return dumps({"hops": self.hops}).encode()
        if service == "crm_projector":
            self.asked.append((service, method, path, headers))
            if self.row is None:
                raise PeerUnavailable("crm_projector is not available now")
            return dumps(self.row).encode()
        if service == "pricer":
            self.asked.append((service, method, path, json))
            return self.trace
        return super().ask(service, method, path, json)


class Browser(Doors):
    """The pages over the memory desk; a person's session is a cookie."""

    def __init__(self, bench: Bench, tmp_path: Any) -> None:
        super().__init__(bench)
        key = tmp_path / "key.pem"
        key.write_bytes(pem_of(SIGNING))
        key.chmod(0o600)
        face = Pages(
            "/quotes",
            Menu(tuple(Link(*each) for each in places.MENU), places.SIGN_IN, places.SIGN_OUT),
            main.TEMPLATES,
            {"places": places, "words": words},
            {name: body for each in BRANDS.values() for name, body in each.files.items()},
        )
        self.printer: Peers = Peers()
        doorway = Doorway(
            bench.units, Links(LINK_KEY), self.printer, lambda: "n-7", "https://q.example", BRANDS
        )
        settings = Settings(
            jwt_private_key=key, demo_people={"seller-1": ("seller",), "manager-1": ("manager",)}
        )
        sign_in = SignIn(settings, lambda: bench.now)
        router = APIRouter()
        for each in (
            sign_in_routes(face, sign_in, places.OPPORTUNITIES),
            pages.routes(bench.desk, doorway, face, Live(lambda: None)),
            api.routes(bench.desk, doorway),
        ):
            router.routes.extend(each.routes)
        app = application(
            "quotes",
            [router, face.routes()],
            sign_in._security,
            lambda: Readiness(ready=True),
            Surroundings(clock=lambda: bench.now, draw_problem=face.problem),
        )
        self.transport = ASGITransport(app)
        self._sessions: dict[str, str] = {}

    def session(self, role: str) -> str:
        return self._sessions.setdefault(role, self.token(role))

    def gets(self, path: str, role: str | None = "seller", **headers: str) -> Response:
        return self.asks("GET", path, None, headers={**self._headers(role), **headers})

    def posts(
        self, path: str, form: dict[str, str], role: str | None = "seller", **more: str
    ) -> Response:
        """Send a form as the page of this role would."""
        token = {"form_token": form_token(self.session(role))} if role else {}
        return self.asks(
            "POST", path, None, headers={**self._headers(role), **more}, data={**token, **form}
        )

    def _headers(self, role: str | None) -> dict[str, str]:
        return {**BROWSER, **({"cookie": f"qw_session={self.session(role)}"} if role else {})}


def pem_of(key: SigningKey) -> bytes:
    return key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
def browser(bench: Bench, tmp_path: Any) -> Browser:
    return Browser(bench, tmp_path)


def text_of(page: Response) -> str:
    """The words of a page, as one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def presented(browser: Browser, **changes: Any) -> Any:
    """Bring a quote to its customer; returns its id."""
    bench = browser.bench
    bench.hear(bench.opened())
    browser.asks("POST", f"/quotes/deals/{bench.deal_id}/quotes", json={})
    browser.asks("PUT", "/quotes/Q-1001/draft", json={**EDIT, **changes})
    (quote,) = bench.quotes()
    while bench.ask_of(quote.quote_id):
        bench.answer(quote.quote_id)
    return browser.asks("GET", "/quotes/Q-1001").json()


# ---- who is it


def test_a_stranger_is_sent_to_sign_in_and_comes_back(browser: Browser) -> None:
    sent = browser.gets("/quotes/Q-1001?x=1", None)
    assert (sent.status_code, sent.headers["location"]) == (
        303,
        "/quotes/sign-in?next=%2Fquotes%2FQ-1001%3Fx%3D1",
    )
    assert "choose who you are" in text_of(browser.gets(sent.headers["location"], None))
    back = browser.posts(places.SIGN_IN, {"person": "seller-1", "next": "/quotes/Q-1001"}, None)
    assert (back.status_code, back.headers["location"]) == (303, "/quotes/Q-1001")
    cookie = back.headers["set-cookie"]
    assert cookie.startswith("qw_session=ey")
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie


@pytest.mark.parametrize("evil", ["//evil.example", "https://evil.example", "/\\evil.example", "x"])
def test_signing_in_leads_to_no_other_host(browser: Browser, evil: str) -> None:
    back = browser.posts(places.SIGN_IN, {"person": "seller-1", "next": evil}, None)
    assert back.headers["location"] == places.OPPORTUNITIES


@pytest.mark.parametrize("form", [{"token": "nonsense"}, {"person": "root"}, {"x": "y"}])
def test_who_can_not_be_believed_gets_no_session(browser: Browser, form: dict[str, str]) -> None:
    told = browser.posts(places.SIGN_IN, form, None)
    assert told.status_code in {401, 422}
    assert "set-cookie" not in told.headers
    assert 'role="alert"' in told.text


def test_a_token_of_the_companys_own_sign_in_makes_a_session(browser: Browser) -> None:
    told = browser.posts(places.SIGN_IN, {"token": browser.token("seller")}, None)
    assert told.status_code == 303
    assert browser.token("seller") in told.headers["set-cookie"]


def test_signing_out_takes_the_session_back(browser: Browser) -> None:
    told = browser.posts(places.SIGN_OUT, {})
    assert told.headers["location"] == places.SIGN_IN
    assert "Max-Age=0" in told.headers["set-cookie"]


def test_programs_meet_json_under_the_same_address(browser: Browser) -> None:
    presented(browser)
    assert browser.asks("GET", "/quotes/Q-1001").headers["content-type"] == "application/json"
    refused = browser.asks("GET", "/quotes/Q-1001", None)
    assert (refused.status_code, refused.json()["code"]) == (401, "auth.refused")


def test_style_and_scripts_travel_packed_and_pages_do_not(browser: Browser) -> None:
    presented(browser)
    page = browser.gets("/quotes/Q-1001", **{"accept-encoding": "gzip"})
    assert "content-encoding" not in page.headers
    files = re.findall(r'(?:href|src)="(/quotes/look/[^"]+)"', page.text)
    assert len(files) == 3
    for each in files:
        packed, plain = (
            browser.gets(each, **{"accept-encoding": how}) for how in ("gzip", "identity")
        )
        assert packed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert packed.content == plain.content
        assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])


# ---- the page of a quote


def test_a_seller_sees_the_offer_and_no_margin(browser: Browser) -> None:
    presented(browser)
    page = browser.gets("/quotes/Q-1001")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    told = text_of(page)
    assert "Q-1001" in told and "Presented" in told
    assert "The quote was drafted by seller-1" in told
    assert "The order was placed" in told and "anonymous" not in told
    assert "The approver asks: Is it <b>signed</b>? by appr-1" in told
    assert f'href="{places.questions(HOPS[2]["case_id"])}">Is it &lt;b&gt;' in page.text
    assert "Margin" not in told
    assert "Margin" in text_of(browser.gets("/quotes/Q-1001", "manager"))


@pytest.mark.parametrize(
    ("charge", "called"), [("quarterly", "Quarterly"), ("every_4_months", "Every 4 months")]
)
def test_a_charge_is_called_by_its_period_wherever_an_offer_is_read(
    browser: Browser, charge: str, called: str
) -> None:
    browser.bench.charge = charge
    view = presented(browser)
    pages = [
        browser.gets("/quotes/Q-1001"),
        browser.gets(browser.offer(view["quote_id"]), None),
        browser.gets(places.compare(browser.bench.deal_id)),
    ]
    for page in pages:
        assert page.status_code == 200
        assert called in text_of(page)
        assert charge == "quarterly" or charge not in text_of(page)


def test_what_can_not_be_done_is_not_offered(browser: Browser) -> None:
    presented(browser)
    assert "Begin a new revision" in text_of(browser.gets("/quotes/Q-1001"))
    assert "Begin a new revision" not in text_of(browser.gets("/quotes/Q-1001", "approver"))
    assert "Present to the customer" not in text_of(browser.gets("/quotes/Q-1001"))


def test_a_seller_revises_by_a_form_and_sees_the_new_revision(browser: Browser) -> None:
    etag = presented(browser)["current"]["etag"]
    done = browser.posts("/quotes/Q-1001/revise", {"etag": etag})
    assert (done.status_code, done.headers["location"]) == (303, "/quotes/Q-1001")
    assert "revision 2" in text_of(browser.gets("/quotes/Q-1001"))


def test_a_form_sent_twice_is_one_command(browser: Browser) -> None:
    presented(browser)
    form = {"once": "f-1"}
    first, second = (browser.posts("/quotes/Q-1001/clone", form) for _ in range(2))
    assert first.headers["location"] == second.headers["location"] == "/quotes/Q-1002"


def test_a_page_that_is_out_of_date_changes_nothing_and_says_so(browser: Browser) -> None:
    presented(browser)
    told = browser.posts("/quotes/Q-1001/revise", {"etag": "old"})
    assert told.status_code == 409
    assert 'role="alert"' in told.text
    assert "revision 2" not in text_of(browser.gets("/quotes/Q-1001"))


@pytest.mark.parametrize("token", [{}, {"form_token": "x"}, {"form_token": form_token("another")}])
def test_a_form_without_its_sessions_token_is_refused(
    browser: Browser, token: dict[str, str]
) -> None:
    etag = presented(browser)["current"]["etag"]
    headers = {"cookie": f"qw_session={browser.session('seller')}", **BROWSER}
    told = browser.asks(
        "POST", "/quotes/Q-1001/revise", None, headers=headers, data={"etag": etag, **token}
    )
    assert told.status_code == 403
    assert "revision 2" not in text_of(browser.gets("/quotes/Q-1001"))


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_from_another_site_is_refused(browser: Browser, site: str) -> None:
    etag = presented(browser)["current"]["etag"]
    told = browser.posts("/quotes/Q-1001/revise", {"etag": etag}, **{"sec-fetch-site": site})
    assert told.status_code == 403


def test_a_cookie_alone_lets_no_script_write_json(browser: Browser) -> None:
    presented(browser)
    headers = {"cookie": f"qw_session={browser.session('seller')}"}
    told = browser.asks("POST", "/quotes/Q-1001/revise", None, headers=headers, json={})
    assert (told.status_code, told.json()["code"]) == (403, "form.refused")


def test_a_reason_that_is_missing_is_asked_for(browser: Browser) -> None:
    presented(browser)
    told = browser.posts("/quotes/Q-1001/withdraw", {"reason": " "})
    assert told.status_code == 422
    assert "Please correct the form" in text_of(told)
    assert "Presented" in text_of(browser.gets("/quotes/Q-1001"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quantity-macro", "-1"),
        ("quantity-macro", "many"),
        ("quantity-macro", "9" * 400),
        ("percent", "150"),
        ("percent", "<script>alert(1)</script>"),
        ("rationale", "only a reason"),
    ],
)
def test_wrong_figures_are_said_beside_their_field(
    browser: Browser, field: str, value: str
) -> None:
    etag = presented(browser)["current"]["etag"]
    browser.posts("/quotes/Q-1001/revise", {"etag": etag})
    before = browser.asks("GET", "/quotes/Q-1001").json()
    told = browser.posts("/quotes/Q-1001/draft", {field: value, "etag": before["current"]["etag"]})
    assert told.status_code == 422
    assert 'aria-invalid="true"' in told.text
    assert "<script>alert" not in told.text
    assert browser.asks("GET", "/quotes/Q-1001").json() == before


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("percent", "five", "Write a number."),
        ("percent", "5,5", "Write a number."),  # no number of a British reader
        ("percent", "9e999999999", "Write a number."),
        ("percent", "9" * 30, "Must have at most 24 digits"),
        ("quantity-macro", "", "Write a number."),
        ("rationale", "", "Write at least"),
        ("rationale", "x" * 1001, "Write at most 1000 characters."),
    ],
)
def test_what_is_wrong_is_said_in_words_for_people(
    browser: Browser, field: str, value: str, says: str
) -> None:
    browser.posts("/quotes/Q-1001/revise", {"etag": presented(browser)["current"]["etag"]})
    form = {"percent": "3", "rationale": "First order", field: value}
    told = browser.posts("/quotes/Q-1001/draft", form)
    assert told.status_code == 422
    (beside,) = re.findall(rf'<p class="error" id="e-{field}">(.+?)</p>', told.text)
    assert beside.startswith(says)
    assert "Please correct the form. Look at what is marked." in text_of(told)


def test_a_reader_types_the_discount_as_he_writes_numbers(browser: Browser) -> None:
    browser.posts("/quotes/Q-1001/revise", {"etag": presented(browser)["current"]["etag"]})
    german = {"accept-language": "de-DE"}
    for typed, kept in (("5,5 %", "5.5"), ("7.5", "7.5"), ("0,125", "0.125")):
        form = {"percent": typed, "rationale": "First order of the region"}
        assert browser.posts("/quotes/Q-1001/draft", form, **german).status_code == 303
        current = browser.asks("GET", "/quotes/Q-1001").json()["current"]
        assert current["discounts"][0]["percent"] == kept
        shown = kept.replace(".", ",")
        assert (
            f'name="percent" type="text" value="{shown}"'
            in browser.gets("/quotes/Q-1001", **german).text
        )


def test_a_missing_reason_is_said_beside_its_field(browser: Browser) -> None:
    presented(browser)
    told = browser.posts("/quotes/Q-1001/withdraw", {"reason": "x"})
    assert '<p class="error" id="e-withdraw">Write at least 3 characters.</p>' in told.text
    assert 'aria-invalid="true" aria-describedby="e-withdraw">x</textarea>' in told.text


def test_quantity_and_discount_are_changed_by_the_form(browser: Browser) -> None:
    etag = presented(browser)["current"]["etag"]
    browser.posts("/quotes/Q-1001/revise", {"etag": etag})
    form = {"quantity-macro": "7", "percent": "3", "rationale": "First order of the region"}
    assert browser.posts("/quotes/Q-1001/draft", form).status_code == 303
    current = browser.asks("GET", "/quotes/Q-1001").json()["current"]
    assert current["items"][0]["quantity"] == "7"
    assert current["discounts"] == [
        {"percent": "3", "rationale": "First order of the region", "item_id": None}
    ]


def test_nobody_finds_what_is_not_there(browser: Browser) -> None:
    told = browser.gets("/quotes/Q-9999")
    assert told.status_code == 404
    assert "There is no quote Q-9999" in text_of(told)


# ---- the customer


def test_a_customer_reads_and_accepts_the_offer(browser: Browser) -> None:
    view = presented(browser)
    link = browser.offer(view["quote_id"])
    page = browser.gets(link, None)
    assert "Accept the offer" in text_of(page)
    for inner in ("margin", "Margin", "cost", "rationale", "approv"):
        assert inner not in page.text
    (shown,) = re.findall(r'name="document_sha256" value="(\w+)"', page.text)
    assert shown == view["current"]["presented"]["document_sha256"]
    done = browser.posts(f"{link}/accept", {"name": "A. Example", "document_sha256": shown}, None)
    assert (done.status_code, done.headers["location"]) == (303, link)
    assert "the offer is accepted" in text_of(browser.gets(link, None))


@pytest.mark.parametrize(
    "form",
    [
        {"name": "A. Example", "document_sha256": "0" * 64},
        {"name": "", "document_sha256": "x"},
        {"x": "y"},
    ],
)
def test_an_acceptance_that_does_not_fit_is_refused_in_words(
    browser: Browser, form: dict[str, str]
) -> None:
    link = browser.offer(presented(browser)["quote_id"])
    told = browser.posts(f"{link}/accept", form, None)
    assert told.status_code in {409, 422}
    assert 'role="alert"' in told.text
    assert browser.asks("GET", "/quotes/Q-1001").json()["status"] == "presented"


def test_a_customer_asks_for_a_change_or_declines(browser: Browser) -> None:
    link = browser.offer(presented(browser)["quote_id"])
    asked = browser.posts(f"{link}/change-request", {"message": "Two more sites, please"}, None)
    assert "Your wish is passed on" in text_of(browser.gets(asked.headers["location"], None))
    no = browser.posts(f"{link}/decline", {"reason_code": "price", "comment": ""}, None)
    assert no.status_code == 303
    assert "The offer is declined" in text_of(browser.gets(link, None))


def test_a_wrong_link_shows_nothing(browser: Browser) -> None:
    quote_id = presented(browser)["quote_id"]
    told = browser.gets(f"/quotes/offers/{quote_id}/1/{'A' * 43}", None)
    assert told.status_code == 404
    assert "Q-1001" not in told.text


def test_a_look_of_our_own_is_no_look_of_the_customers(browser: Browser) -> None:
    link = browser.offer(presented(browser)["quote_id"])
    (quote,) = browser.bench.quotes()
    browser.gets(link, "seller")
    browser.asks("GET", link, "seller")
    assert browser.bench.quote(quote.quote_id).current.viewed_at is None
    browser.gets(link, None)
    assert browser.bench.quote(quote.quote_id).current.viewed_at == browser.bench.now
