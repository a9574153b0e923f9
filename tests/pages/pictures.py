"""`make pictures`: photographs the main pages of a house that plays the telecom example.

Four pictures that documents show go to docs/pictures; all others, at every width, light and dark,
to .local/pictures, for whoever works on the look. The four are PNG of few colours, which Pillow
makes, that WeasyPrint brings along.
"""

import io
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from contracts import places
from infra import log as logs
from infra.setup import remove_rooms
from quotewright.demo import ready, stage
from quotewright.laptop import ROOT, Laptop
from tests.e2e.facts import ABOVE
from tests.e2e.place import Place, deal_of
from tests.pages.browsers import People, chromium

WIDTHS = (360, 1200, 2560)
HEIGHT = 900
SCHEMES = ("light", "dark")
CHOSEN = ROOT / "docs" / "pictures"
COLOURS = 64
BYTES_MAX = 150_000
ACCOUNTS = (
    ("Example Telecom", "gold", "EMEA", "city_macro", "City sites, north ring"),
    ("Example Mobile", "silver", "EMEA", "street_micro", "Small cells in the old town"),
    ("Example Rail", "gold", "EMEA", "rural_lte", "Coverage along the coast line"),
    ("Example Energy", "silver", "EMEA", "street_micro", "Sites of the wind parks"),
    ("Example Islands", "gold", "EMEA", "rural_lte", "Rural sites, second wave"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A page to photograph: its name, who looks at it (None: a stranger), where it is."""

    name: str
    role: str | None
    path: str


def pictured(place: Place) -> list[Picture]:
    """Play deals into states worth seeing; returns the pages that show them."""
    records = [place.opens(example, **changes) for example, changes in _asked()]
    place.opens(name="Depot extension", account=_account("Example Rail", "gold", "EMEA"))
    shown, accepted, waits, _, granted = records
    place.accepts(place.told(accepted, "Presented"))
    number = place.told(waits, "PendingApproval")["number"]
    case = place.asked_to_approve(number)["case_id"]
    yes = place.asked_to_approve(place.told(granted, "PendingApproval")["number"])
    place.decides(yes, "approve", "Strategic region, margin holds.")
    quote = place.told(shown, "Presented")["number"]
    for record in (records[3], granted):
        place.told(record, "Presented")
    place.told(accepted, "Ordered")
    return [
        Picture("opportunities", "seller", places.OPPORTUNITIES),
        Picture("opportunity", "seller", places.opportunity(deal_of(waits))),
        Picture("quote", "seller", places.quote(quote)),
        Picture("waiting", "seller", "/crm/waiting"),
        Picture("inbox", "approver", places.INBOX),
        Picture("decision", "approver", places.case(case)),
        Picture("offer", None, place.link(quote, 1)),
        Picture("overview", "manager", places.OVERVIEW),
        Picture("sign-in", None, places.SIGN_IN),
    ]


def _asked() -> Iterator[tuple[str, Mapping[str, object]]]:
    for account, tier, region, example, name in ACCOUNTS:
        more = {"discounts": ABOVE} if example == "rural_lte" else {}
        yield example, {"name": name, "account": _account(account, tier, region), **more}


def _account(name: str, tier: str, region: str) -> dict[str, str]:
    return {"id": name.lower().replace(" ", "-"), "name": name, "tier": tier, "region": region}


def photographed(place: Place, browser: Browser, pictures: list[Picture], folder: Path) -> None:
    """Photograph every page at every width, light and dark."""
    people = People(browser, place.stage.url, {})
    for each in pictures:
        person = people.signed_in(each.role) if each.role else people.stranger()
        person.goes(each.path)
        for width in WIDTHS:
            person.page.set_viewport_size({"width": width, "height": HEIGHT})
            for scheme in SCHEMES:
                person.page.emulate_media(color_scheme=scheme)
                path = folder / f"{each.name}-{width}-{scheme}.png"
                person.page.screenshot(path=path, full_page=True)
    people.leave()


def chosen(folder: Path, name: str) -> None:
    """Make the picture that documents show: the top of the page, in few colours."""
    with Image.open(folder / f"{name}-1200-light.png") as whole:
        top = whole.convert("RGB").crop((0, 0, whole.width, min(whole.height, HEIGHT)))
    kept = io.BytesIO()
    top.quantize(COLOURS, dither=Image.Dither.NONE).save(kept, "PNG", optimize=True)
    if kept.tell() > BYTES_MAX:
        raise SystemExit(f"the picture {name} weighs {kept.tell()} bytes, more than {BYTES_MAX}")
    (CHOSEN / f"{name}.png").write_bytes(kept.getvalue())


def main() -> int:
    """Play, photograph, choose."""
    logs.configure("error", "console")
    folder = ROOT / ".local" / "pictures"
    for each in (folder, CHOSEN):
        each.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="quotewright-pictures-"))
    try:
        with stage(Laptop(home, "embedded")) as running, chromium() as browser:
            ready(running)
            place = Place(running, running.laptop.admin_dsn)
            photographed(place, browser, pictured(place), folder)
            place.close()
    finally:
        remove_rooms(home)
        shutil.rmtree(home, ignore_errors=True)
    for name in ("opportunities", "quote", "decision", "offer"):
        chosen(folder, name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
