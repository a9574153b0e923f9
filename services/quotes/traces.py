"""The steps of a price, asked of the pricer, which keeps every trace under its hash."""

import json
import threading
from collections import OrderedDict
from typing import Any
from urllib.parse import quote

from contracts.errors import QuotewrightError
from contracts.quote import RevisionPriced
from infra.ask import Asker
from services.quotes.domain.waterfall import Steps, fits, read

KEPT_MAX = 64


class Traces:
    """Asks for traces; what was read is kept, since a hash always names the same."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._kept: OrderedDict[tuple[str, str], Steps] = OrderedDict()
        self._guard = threading.Lock()

    def steps(self, price: RevisionPriced, *, internal: bool) -> Steps | None:
        """Return the steps as this kind of reader may see them; None, if there is no answer now."""
        key = price.trace_sha256, "internal" if internal else "seller"
        with self._guard:
            found = self._kept.get(key)
        if found is None:
            found = read(self._asked(*key))
        if found is None or not fits(found, price.offer):
            return None
        self._keep(key, found)
        return found

    def _asked(self, sha256: str, view: str) -> Any:
        try:
            path = f"/pricer/traces/{quote(sha256, safe='')}?view={view}"
            return json.loads(self._asker.ask("pricer", "GET", path))
        except (QuotewrightError, ValueError):
            return None

    def _keep(self, key: tuple[str, str], steps: Steps) -> None:
        with self._guard:
            self._kept[key] = steps
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
