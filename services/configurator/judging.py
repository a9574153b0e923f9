"""Answers kept for a moment: a session is looked at again with the same decisions as before."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from functools import lru_cache

from contracts.configuration import Decision
from contracts.errors import Refused
from services.configurator.domain.answers.comparing import Comparison, compare
from services.configurator.domain.answers.hashing import ProvedOptions, proved
from services.configurator.domain.products.catalogue import Catalogue, UnknownProduct
from services.configurator.domain.products.decisions import binding
from services.configurator.domain.products.product import Product
from services.configurator.domain.sessions.moving import Newer, newer
from services.configurator.domain.sessions.session import Session

KEPT_MAX = 64

# Binding decisions only: of those, equal ones are of the same kind (`true` and 1 are not).
_judged = lru_cache(KEPT_MAX)(proved)


class VersionGone(Refused):
    """The catalogue no longer has the version that a session stands on."""

    code = "configuration.version_gone"


def product_of(catalogue: Catalogue, session: Session, day: date) -> Product:
    """Return the version that a session stands on, as of the day.   Raises: VersionGone."""
    try:
        return catalogue.pinned(session.model).on(day)
    except UnknownProduct as fault:
        raise VersionGone(f"{fault.message}; move this configuration to a newer version") from None


def judged(product: Product, decisions: Sequence[Decision]) -> ProvedOptions:
    """Judge every option after decisions.   Raises: DecisionsRefused, SearchBound."""
    return _judged(product, binding(product, decisions))


def compared(catalogue: Catalogue, left: Session, right: Session, day: date) -> Comparison:
    """Compare two sessions.   Raises: OtherProduct, VersionGone, SearchBound."""
    one, other = product_of(catalogue, left, day), product_of(catalogue, right, day)
    return compare((one, binding(one, left.decisions)), (other, binding(other, right.decisions)))


def newer_of(catalogue: Catalogue, session: Session, day: date) -> Newer | None:
    """Say what the version of the day makes of a session; None, if it stands on that."""
    try:
        today = catalogue.product(session.head.product, day)
    except UnknownProduct:
        return None
    if today.pin == session.model:
        return None
    was = None
    with suppress(VersionGone):
        was = product_of(catalogue, session, day)
    return newer(was, today, session.model, session.decisions)
