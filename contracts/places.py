"""Where the pages of the house are, for services that point people to one another.

Paths only: which host, the reader's own address bar says.
"""

from uuid import UUID

SIGN_IN = "/quotes/sign-in"
SIGN_OUT = "/quotes/sign-out"
OPPORTUNITIES = "/crm/opportunities"
INBOX = "/approvals/cases"
OVERVIEW = "/crm/overview"
WAITING = "/crm/waiting"
SESSIONS = "/configurator/sessions"
PRICE_BOOKS = "/pricer/books"
RATES = "/pricer/fx"
PRICE_TESTER = "/pricer/tester"
WHAT_IFS = "/pricer/what-ifs"

SELLS = frozenset({"seller", "manager", "admin"})
DECIDES = frozenset({"approver", "manager", "admin"})

# What the menu shows, to whom, and which other pages belong to it.
MENU = (
    (
        "Opportunities",
        OPPORTUNITIES,
        SELLS | {"approver", "analyst"},
        ("/quotes/", "/configurator/"),
    ),
    ("Waiting", WAITING, SELLS | {"approver", "analyst"}),
    ("Approvals", INBOX, DECIDES),
    ("Price books", PRICE_BOOKS, DECIDES, (RATES, PRICE_TESTER, WHAT_IFS)),
    ("Overview", OVERVIEW, frozenset({"manager", "analyst", "admin"})),
)


def opportunity(deal_id: UUID | str) -> str:
    """Return the page of a deal, with its quotes."""
    return f"{OPPORTUNITIES}/{deal_id}"


def facts(deal_id: UUID | str) -> str:
    """Return the page with every fact of a deal."""
    return f"{opportunity(deal_id)}/facts"


def quote(number: str) -> str:
    """Return the page of a quote."""
    return f"/quotes/{number}"


def compare(deal_id: UUID | str) -> str:
    """Return the page on which all quotes of a deal stand side by side."""
    return f"/quotes/deals/{deal_id}/compare"


def case(case_id: UUID | str) -> str:
    """Return the page on which an approval case is decided."""
    return f"{INBOX}/{case_id}"


def questions(case_id: UUID | str) -> str:
    """Return the page on which a seller answers what approvers ask about a case."""
    return f"{case(case_id)}/questions"


def first_item(deal_id: UUID | str) -> str:
    """Return the page on which the first item of a new quote is configured."""
    return f"/configurator/deals/{deal_id}/new"


def new_item(number: str) -> str:
    """Return the page on which one more item of a quote is configured."""
    return f"/configurator/quotes/{number}/new"


def item(number: str, item_id: str) -> str:
    """Return the page on which an item of a quote is configured."""
    return f"/configurator/quotes/{number}/items/{item_id}"


def items(number: str) -> str:
    """Return where an item that was removed is put back."""
    return f"/configurator/quotes/{number}/items"


def resumed(here: str, product: str, session_id: UUID | str) -> str:
    """Return the page `here`, on which an item is configured, with a session to go on from."""
    return f"{here}?product={product}&session={session_id}"


def session(session_id: UUID | str) -> str:
    """Return where a configuration session is copied and forgotten."""
    return f"{SESSIONS}/{session_id}"


def what_if(what_if_id: UUID | str) -> str:
    """Return the page of a what-if: how far it is, and what it found."""
    return f"{WHAT_IFS}/{what_if_id}"
