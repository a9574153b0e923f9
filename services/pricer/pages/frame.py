"""What all pages of price books share: who may see them, where they are, how a version is named."""

from typing import Annotated, Any

from fastapi import Depends

from contracts import places
from infra.auth import Principal
from infra.web import allow
from services.pricer.domain.releases.releasing import NAMES, Kind, Release

PATHS: dict[Kind, str] = {"book": places.PRICE_BOOKS, "fx": places.RATES}
KEEPS = frozenset({"manager", "admin"})
TONES = {"draft": "warn", "published": "good", "retired": "plain"}
PAGE_ROWS = 50

# Costs and floors stand on these pages.
Insider = Annotated[Principal, Depends(allow("approver", "manager", "admin"))]
Keeper = Annotated[Principal, Depends(allow("manager", "admin"))]


def place(release: Release) -> str:
    """Return the page of a version."""
    return f"{PATHS[release.kind]}/{release.id}/{release.version}"


def told(release: Release, caller: Principal) -> dict[str, Any]:
    """Return what every page of one version shows."""
    return {
        "release": release,
        "here": place(release),
        "kind": NAMES[release.kind],
        "tone": TONES[release.status],
        "keeps": bool(caller.roles & KEEPS),
    }
