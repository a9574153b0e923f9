"""The pages that are measured: under which addresses they are asked, by whom, and by which form."""

import http.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations
from urllib.parse import urlencode
from uuid import UUID

from contracts import places
from infra.cookies import FORM, FORM_TOKEN, SESSION, form_token
from quotewright.client import token_for
from services.quotes.links import Links
from tests.e2e.place import Json, Place, items_of
from tests.unit.configurator import large

EACH = 25
HTML = "text/html,application/xhtml+xml"
WAIT_S = 30.0
APPROVER = "appr-regional-1"
# As approvals keeps a link of a mail: its hash only.
KEEP_LINK = """
INSERT INTO approvals.mail_tokens (case_id, step, approver, token_sha256, expires_at)
VALUES (%s, 1, %s, %s, now() + interval '1 day')
"""


@dataclass(frozen=True, slots=True)
class Face:
    """A page: its name, who looks at it (None: a stranger), its addresses, and forms to send."""

    name: str
    role: str | None
    paths: Sequence[str]
    forms: Sequence[Mapping[str, str]] = ({},)


class Client:
    """Somebody who asks over one connection that stays open."""

    def __init__(self, place: Place, role: str | None, accept: str = HTML) -> None:
        self._host = place.stage.url.removeprefix("http://")
        who = {"approver": APPROVER}.get(role or "", f"{role}-1")
        self._session = token_for(place.stage.laptop.home, who, [role]) if role else ""
        cookie = {"cookie": f"{SESSION}={self._session}"} if role else {}
        self.headers = {"accept": accept, "accept-encoding": "gzip", **cookie}
        self._http = self.connection()

    def connection(self) -> http.client.HTTPConnection:
        """Return a new connection to the house."""
        return http.client.HTTPConnection(self._host, timeout=WAIT_S)

    def get(
        self, path: str, form: Mapping[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Return the answer, which must be a good one, and its body; a form is sent by POST."""
        try:
            answer = self._asked(path, form)
        except http.client.RemoteDisconnected:  # it was not used for longer than servers keep it
            self._http.close()
            answer = self._asked(path, form)
        found = answer.read()
        if answer.status != http.client.OK:
            raise AssertionError(f"{path}: {answer.status} {found[:500]!r}")
        return answer, found

    def _asked(self, path: str, form: Mapping[str, str] | None) -> http.client.HTTPResponse:
        if form:
            body = urlencode({**form, FORM_TOKEN: form_token(self._session)})
            self._http.request("POST", path, body, {**self.headers, "content-type": FORM})
        else:
            self._http.request("GET", path, headers=self.headers)
        return self._http.getresponse()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def faces_of(place: Place) -> list[Face]:
    """Return every page, with addresses spread over the whole store."""
    return [*_selling(place), *_guided(place), *_deciding(place), *_others(place)]


def _some(place: Place, what: str, many: int = EACH) -> list[tuple[str, ...]]:
    found = place.sql(f"SELECT {what} ORDER BY 1")
    if not found:
        raise AssertionError(f"the store holds none of: {what}")
    return [tuple(map(str, row)) for row in found[:: max(1, len(found) // many)][:many]]


def _selling(place: Place) -> list[Face]:
    quotes = _some(place, "number, deal_id FROM crm_projector.quote WHERE list IS NOT NULL")
    again = _some(place, "number FROM crm_projector.quote WHERE revision > 1")
    pairs = _some(place, "deal_id FROM crm_projector.quote GROUP BY deal_id HAVING count(*) > 1")
    records = _some(place, "record_id FROM crm_projector.opportunity")
    found = f"{places.OPPORTUNITIES}?q="
    return [
        Face("opportunities", "seller", [places.OPPORTUNITIES]),
        Face("opportunities, searched", "seller", [f"{found}{each}" for (each,) in records]),
        Face("opportunity", "seller", [places.opportunity(deal) for _, deal in quotes]),
        Face("quote", "seller", [places.quote(number) for number, _ in quotes]),
        Face("differences", "seller", [f"{places.quote(each)}?from=1&to=2" for (each,) in again]),
        Face(
            "lines", "seller", [f"{places.quote(each)}/revisions/1/waterfall" for each, _ in quotes]
        ),
        Face("alternatives", "seller", [places.compare(deal) for (deal,) in pairs]),
        Face("what waits", "seller", ["/crm/waiting"]),
    ]


def _guided(place: Place) -> list[Face]:
    """Return the guided page: the products, nothing answered, half of it, all of it."""
    drafts = _some(place, "number FROM crm_projector.quote WHERE lower(status) = 'priced'")
    deals = _some(place, "deal_id FROM crm_projector.opportunity")
    new = [places.first_item(deal) for (deal,) in deals]
    (whole, *_) = items_of("city_macro")
    begun = [f"{each}?product={whole['product']}" for each in new]
    items = [
        places.item(number, each["item_id"])
        for (number,) in drafts
        for each in place.quote(number)["current"]["items"]
    ]
    return [
        Face("products", "seller", new),
        Face("guided, nothing answered", "seller", begun),
        Face("guided, half answered", "seller", new, _halves(whole)),
        Face("guided, same answers", "seller", new, _halves(whole)[:1]),
        Face("guided, complete", "seller", items),
        Face("guided, 500 options", "seller", new, large.forms(EACH)),
    ]


def _halves(item: Json) -> list[dict[str, str]]:
    """Return forms with about half of an item's answers, no two the same."""
    answers = item["decisions"]
    about = {"product": item["product"], "quantity": "2"}
    return [
        {**about, **dict(pair for each in half for pair in _answered(each))}
        for half in combinations(answers, len(answers) // 2)
    ]


def _answered(decision: Json) -> list[tuple[str, str]]:
    """Return an answer as the fields of the form hold it."""
    name, value = f"a-{decision['attribute']}", decision["value"]
    if isinstance(value, list):
        return [(f"{name}-{each}", "on") for each in value]
    return [(name, str(value).lower() if isinstance(value, bool) else str(value))]


def _deciding(place: Place) -> list[Face]:
    cases = [each for (each,) in _some(place, "case_id FROM approvals.cases WHERE state = 'open'")]
    return [
        Face("inbox", "approver", [places.INBOX]),
        Face("decision", "approver", [places.case(each) for each in cases]),
        Face("questions", "seller", [places.questions(each) for each in cases]),
        Face("mailed decision", None, [_mailed(place, each) for each in cases]),
    ]


def _mailed(place: Place, case: str) -> str:
    """Return where a mailed link leads."""
    token = f"link-of-{case}"
    place.sql(KEEP_LINK, (case, APPROVER, sha256(token.encode()).hexdigest()))
    return f"/approvals/mail/{token}"


def _others(place: Place) -> list[Face]:
    offers = _some(
        place, "quote_id, revision FROM crm_projector.quote WHERE lower(status) = 'presented'"
    )
    links = Links(place.stage.laptop.secrets.link_key.encode())
    return [
        Face("overview", "manager", [places.OVERVIEW]),
        Face("customer's offer", None, [links.path(UUID(a), int(b)) for a, b in offers]),
        Face("sign-in", None, [places.SIGN_IN]),
    ]
