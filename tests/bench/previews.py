"""A price over HTTP: ten lines with their full trace, asked of a served house by another process.

The connection stays open; each ask is of another quantity, so nothing is answered twice. A preview
looks first whether a book was published since, as every price does.
"""

import http.client
import json
import time
from itertools import count

from infra.clock import wall_clock
from quotewright.client import token_for
from services.pricer import books
from tests.bench.engine import CATALOG, basket
from tests.bench.report import Row, median, percentile
from tests.e2e.place import Place

PREVIEW = "/pricer/preview"
ASKS, WARM = 60, 10
LIMITS_MS = {"p50": (15.0, 5.0), "p99": (60.0, 20.0)}
WAIT_S = 30.0


def rows(place: Place, rounds: int) -> list[Row]:
    """Ask for prices one after the other."""
    day = wall_clock().date()
    skus = [each.sku for each in books.load(CATALOG).book(None, day).book.entries]
    numbers = count(1)
    token = token_for(place.stage.laptop.home, "seller-1", ["seller"])
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    connection = http.client.HTTPConnection(place.stage.url.removeprefix("http://"), timeout=WAIT_S)
    took = []
    for number in range(WARM + ASKS * max(rounds, 1)):
        ask = basket(skus, 10, quantity=next(numbers) % 90 + 1, day=day)
        body = ask.model_dump_json(exclude_none=True, exclude_defaults=True)
        began = time.perf_counter()
        connection.request("POST", PREVIEW, body, headers)
        answer = connection.getresponse()
        found = answer.read()
        if number >= WARM:
            took.append(1000 * (time.perf_counter() - began))
        assert answer.status == http.client.OK, found[:500]
        assert len(json.loads(found)["lines"]) == 10
    connection.close()
    shown = {"p50": median(took), "p99": percentile(took, 0.99)}
    return [
        Row(f"price of 10 lines over HTTP, {name}", value, "ms", "lower", "value",
            f"fastest of {len(took)} asks in the same run", min(took), *LIMITS_MS[name])
        for name, value in shown.items()
    ]  # fmt: skip
