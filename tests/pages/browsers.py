"""People at real browsers, what machines say of a page, and the quotes that pages show."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright

from contracts import places
from infra.cookies import SESSION
from infra.setup import BROWSERS
from quotewright.client import token_for
from tests.e2e.facts import ABOVE
from tests.e2e.place import Place, deal_of, until

WAIT_MS = 15_000
ARGUMENTS = ("--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
APPROVER = "appr-regional-1"
SHOTS = "QW_SCREENSHOTS"
# The house says in its catalogue who approves; everybody else is named after the role.
NAMES: Mapping[str, str] = {"approver": APPROVER}

# ---- what machines say of a page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CHECK = """
async (asked) => (await axe.run(asked)).violations
    .map((each) => `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`)
"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
WIDTHS = (360, 1024, 2560)
SCHEMES = ("light", "dark")
# Contrast takes axe six times as long as all else, so it is looked at once in each scheme: above
# 62 rem our style changes widths only, and what the narrow page lays out anew has the same tokens.
COLOURED = {(360, "dark"), (1024, "light")}
# Nothing but contrast depends on the scheme.
STRUCTURED = "light"


def axe(page: Page, *, structure: bool = True, colours: bool = True) -> list[str]:
    """Return what axe-core finds against WCAG 2.2 AA; nothing, if the page is accessible."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe_core())
    asked: dict[str, Any] = {"runOnly": RULES if structure else ["color-contrast"]}
    if not colours:
        asked["rules"] = {"color-contrast": {"enabled": False}}
    found: list[str] = page.evaluate(CHECK, asked)
    return found


@cache
def _axe_core() -> str:
    spec = find_spec("axe_playwright_python")
    assert spec is not None and spec.origin is not None
    return (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def overflow(page: Page) -> int:
    """Return by how many pixels the document is wider than its window."""
    found: int = page.evaluate(TOO_WIDE)
    return found


def faults(page: Page, shot: str = "") -> list[str]:
    """Return what is wrong with a page at every width, light and dark; `shot` names pictures."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            if wide := overflow(page):
                found.append(f"{width} {scheme}: {wide} px wider than the window")
            structure, colours = scheme == STRUCTURED, (width, scheme) in COLOURED
            if structure or colours:
                said = axe(page, structure=structure, colours=colours)
                found += [f"{width} {scheme}: {each}" for each in said]
            if (folder := os.environ.get(SHOTS)) and shot:
                path = Path(folder) / f"{shot}-{width}-{scheme}.png"
                page.screenshot(path=path, full_page=True)
    return found


# ---- people


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser of this machine."""
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, headless=True, chromium_sandbox=False, args=list(ARGUMENTS)
        )
        yield browser
        browser.close()


def name_of(role: str) -> str:
    """Return who stands for a role in the list of the sign-in page."""
    return NAMES.get(role, f"{role}-1")


class Person:
    """Somebody at a browser of his own; whatever the browser complains of is kept."""

    def __init__(self, browser: Browser, url: str, **how: Any) -> None:
        self.url = url
        self.complaints: list[str] = []
        self._context = browser.new_context(
            base_url=url, locale="en-GB", timezone_id="Europe/Berlin", **how
        )
        self._context.set_default_timeout(WAIT_MS)
        self.page: Page = self._context.new_page()
        self.page.on("pageerror", lambda each: self.complaints.append(f"{each}"))
        self.page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def goes(self, path: str) -> None:
        self.page.goto(path, wait_until="load")

    def signs_in(self, who: str, path: str) -> None:
        """Open a page as a stranger, and sign in on the way."""
        self.goes(path)
        self.page.click(f'button[value="{who}"]')
        self.page.wait_for_url(f"**{path}")

    def signs_in_with(self, house: Place, who: str, role: str, path: str) -> None:
        """Open a page as somebody whom the list does not hold, by a token of the company."""
        token = token_for(house.stage.laptop.home, who, [role])
        self.page.context.add_cookies([{"name": SESSION, "value": token, "url": self.url}])
        self.goes(path)

    def presses(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def sees(self, text: str) -> None:
        """Wait until the page shows a text by itself."""
        expect(self.page.locator("body")).to_contain_text(text, timeout=WAIT_MS)

    def sees_after_reloads(self, text: str) -> None:
        """Wait for a text as somebody does whose page does not change by itself."""
        until(lambda: text in (self.page.reload() and self.page.inner_text("body")), text)

    def close(self) -> None:
        self._context.close()


class People:
    """Everybody who sits at a browser in one test; each complaint must have been expected."""

    def __init__(self, browser: Browser, url: str, sessions: dict[str, Any]) -> None:
        self._browser = browser
        self._url = url
        self._sessions = sessions
        self._seated: list[Person] = []

    def stranger(self, **how: Any) -> Person:
        """Let somebody sit down who has not signed in."""
        self._seated.append(Person(self._browser, self._url, **how))
        return self._seated[-1]

    def signed_in(self, role: str, **how: Any) -> Person:
        """Let somebody of this role sit down, signed in through the page once per run."""
        if role not in self._sessions:
            first = self.stranger()
            first.goes(places.SIGN_IN)
            first.page.click(f'button[value="{name_of(role)}"]')
            first.page.get_by_role("button", name="Sign out").wait_for()
            self._sessions[role] = first.page.context.storage_state()
        return self.stranger(storage_state=self._sessions[role], **how)

    def leave(self) -> None:
        """Let all go, and check that no browser complained: of scripts, of the policy, of loads."""
        for each in self._seated:
            each.close()
        assert [each.complaints for each in self._seated] == [[]] * len(self._seated)


def expect_status(person: Person, status: int) -> None:
    """Take back the one complaint that a browser makes of a page answered with an error."""
    said = [each for each in person.complaints if re.search(rf"status of {status}\b", each)]
    assert len(said) == 1, person.complaints
    person.complaints.remove(said[0])


def cookie_of(person: Person) -> Any:
    """Return the session's cookie as the browser keeps it; None without one."""
    found = [each for each in person.page.context.cookies() if each.get("name") == SESSION]
    return found[0] if found else None


def send(
    house: Place, path: str, fields: dict[str, str], session: str = "", **headers: str
) -> httpx.Response:
    """Send a form as a browser does, with whatever headers it is made to send."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    cookie = {"cookie": f"{SESSION}={session}"} if session else {}
    return httpx.post(
        house.stage.url + path,
        data=fields,
        headers={"accept": "text/html", **cookie, **named},
        trust_env=False,
    )


# ---- what there is to see

SMALL = {"percent": "3", "rationale": f"First order of the region, see {'long' * 40}"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the pages show: quotes in the states that look differently, and their places."""

    draft: str
    presented: str
    in_approval: str
    accepted: str
    declined: str
    revised: str
    alternatives: str
    deal: str
    empty_deal: str
    case: str
    questions: str
    mailed: str
    mailed_late: str
    open_offer: str
    asked_offer: str
    accepted_offer: str
    declined_offer: str


# A link as a mail would hold it: only its hash is kept.
KEEP_LINK = """
INSERT INTO approvals.mail_tokens (case_id, step, approver, token_sha256, expires_at)
VALUES (%s, 1, %s, %s, now() + make_interval(hours => %s)) RETURNING 1
"""


def mailed(place: Place, case: str, hours: int) -> str:
    """Return where a mailed link leads that is good for so long."""
    token, approver = f"link-{hours}", APPROVER if hours > 0 else "appr-regional-2"
    place.sql(KEEP_LINK, (case, approver, sha256(token.encode()).hexdigest(), hours))
    return f"/approvals/mail/{token}"


def show(place: Place) -> Shown:
    """Let the CRM, a seller and customers bring quotes into every state that a page draws."""
    empty, bare = place.opens(), place.opens()
    draft: str = place.drafts(bare)["number"]
    records = [place.opens("street_micro") for _ in range(4)]
    above = place.opens("rural_lte", discounts=ABOVE)
    presented, accepted, declined, twice = (place.told(each, "Presented") for each in records)
    place.accepts(accepted)
    no = place.link(declined["number"], 1)
    place.customer.post(f"{no}/decline", {"reason_code": "timing"})
    wish = place.link(twice["number"], 1)
    place.customer.post(f"{wish}/change-request", {"message": f"Fewer sites, {'please' * 40}"})
    revise(place, twice["number"])
    number = place.told(above, "PendingApproval")["number"]
    case = place.asked_to_approve(number)["case_id"]
    place.told(records[1], "Ordered")
    approver = place.person("approver", APPROVER)
    approver.post(places.questions(case), {"text": "Is the second phase signed?"})
    place.heard_of(number, "ApprovalQuestionAsked")
    return Shown(
        draft=places.quote(draft),
        presented=places.quote(presented["number"]),
        in_approval=places.quote(number),
        accepted=places.quote(accepted["number"]),
        declined=places.quote(declined["number"]),
        revised=places.quote(twice["number"]),
        alternatives=places.compare(deal_of(records[3])),
        deal=places.opportunity(deal_of(records[0])),
        empty_deal=places.opportunity(deal_of(empty)),
        case=places.case(case),
        questions=places.questions(case),
        mailed=mailed(place, case, 1),
        mailed_late=mailed(place, case, -1),
        asked_offer=wish,
        open_offer=place.link(presented["number"], 1),
        accepted_offer=place.link(accepted["number"], 1),
        declined_offer=no,
    )


def revise(place: Place, number: str) -> None:
    """Begin the next revision, change quantity and discount in it, and clone it as an alternative."""
    (item, *more) = place.seller.post(f"/quotes/{number}/revise")["current"]["items"]
    items = [{**item, "quantity": "12"}, *more]
    place.edits(number, items, submit=False, discounts=[SMALL])
    place.reaches(number, "priced")
    place.seller.post(f"/quotes/{number}/clone")
