"""A process of its own that replays prices from the facts in a folder; says `same`, or what differs."""

import locale
import sys
import time
from pathlib import Path

from contracts.pricing import QuotePriced
from contracts.quote import PricingRequested
from services.pricer import books
from services.pricer.replay_api import replay_pinned


def main(folder: Path) -> None:
    """Replay every price of the folder."""
    time.tzset()
    try:
        locale.setlocale(locale.LC_ALL, "")
    except locale.Error:
        locale.setlocale(locale.LC_ALL, "C")  # not every machine has every locale
    shelf = books.load(Path(__file__).parents[3] / "catalogs" / "telecom")
    for path in sorted(folder.glob("*.asked")):
        asked = PricingRequested.model_validate_json(path.read_text())
        said = QuotePriced.model_validate_json(path.with_suffix(".said").read_text())
        trace = path.with_suffix(".trace").read_bytes()
        found = replay_pinned(asked, said, trace, shelf)
        print("same" if found.is_same else "; ".join(found.differences))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
