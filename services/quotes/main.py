"""Wires quotes; `python -m services.quotes.main` runs it alone."""

import secrets
from pathlib import Path

from fastapi import APIRouter

from contracts import places, quote
from contracts.catalogue import UPCASTERS
from contracts.envelope import Fact, Registry
from infra.live import Changes, Live
from infra.pages import Link, Menu, Pages
from infra.parts import Parts, Plumbing
from infra.service import serve
from infra.settings import Settings, SettingsError
from infra.signing_in import SignIn, sign_in_routes
from services.quotes import api, brands, consumer, pages, units, words
from services.quotes.api import Doorway
from services.quotes.links import Links

OWN_FACTS: tuple[type[Fact], ...] = (
    quote.DealOpened,
    quote.DealDetailsChanged,
    quote.QuoteAdded,
    quote.DealClosed,
    quote.DealReopened,
    quote.QuoteDrafted,
    quote.ConfigurationRequested,
    quote.PricingRequested,
    quote.RevisionSubmitted,
    quote.DocumentRequested,
    quote.RevisionPriced,
    quote.RevisionApproved,
    quote.RevisionReturned,
    quote.RevisionRecalled,
    quote.DocumentAttached,
    quote.AnswerIgnored,
    quote.QuotePresented,
    quote.QuoteViewed,
    quote.QuoteChangeRequested,
    quote.QuoteRevised,
    quote.QuoteAccepted,
    quote.QuoteDeclined,
    quote.QuoteWithdrawn,
    quote.QuoteExpired,
    quote.OrderPlaced,
)

BATCH_SIZE = 20
TEMPLATES = Path(__file__).parent / "templates"
NONCE_BYTES = 16


def build(settings: Settings, plumbing: Plumbing) -> Parts:
    """Wire the service.   Raises: SettingsError, BadSellingUnits, BadBrands."""
    if settings.link_key is None:
        raise SettingsError("QW_LINK_KEY: must be a secret of 32 characters or more")
    found = units.load(settings.catalog_dir)
    known = brands.load(settings.catalog_dir)
    hears = consumer.hears(found)
    doorway = Doorway(
        units=found,
        links=Links(settings.link_key.get_secret_value().encode()),
        asker=plumbing.asker,
        nonce=lambda: secrets.token_hex(NONCE_BYTES),
        public_url=settings.public_url,
        brands=known,
    )
    face = Pages(
        prefix="/quotes",
        menu=Menu(tuple(Link(*each) for each in places.MENU), places.SIGN_IN, places.SIGN_OUT),
        templates=TEMPLATES,
        globals_={"places": places, "words": words},
        files={name: body for each in known.values() for name, body in each.files.items()},
    )
    live = Live(Changes(plumbing.pool).look)
    router = APIRouter()
    for each in (
        sign_in_routes(face, SignIn(settings, plumbing.clock), places.OPPORTUNITIES),
        pages.routes(plumbing, doorway, face, live),
        api.routes(plumbing, doorway),
    ):
        router.routes.extend(each.routes)
    return Parts(
        name="quotes",
        hears=hears,
        registry=Registry((*hears, *OWN_FACTS), UPCASTERS),
        router=router,
        face=face,
        close=live.close,
        reminders=consumer.reminders(found),
        batch_size=BATCH_SIZE,
    )


if __name__ == "__main__":
    serve("quotes", build)
