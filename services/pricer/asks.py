"""Past asks: rows of our own, written by who answers, read by what-ifs.

The facts are the truth; a row has what another price of the same ask hangs on. Reasons that
sellers gave and names of parts are not in it.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated, Any, Literal

from psycopg.types.json import Jsonb
from pydantic import Field

from contracts.quote import PricingRequested
from contracts.values import Day, Value
from infra.work import Commands, Work
from services.pricer.domain.asks.ask import PriceAsk, Priced
from services.pricer.domain.what_ifs.trial import (
    Key,
    Past,
    figures_of_answer,
    figures_read,
    figures_tree,
)

KEEP = "SELECT ask_kept(%(row)s, %(content)s)"
CHOSEN = """
seq <= %(until)s AND (superseded_by IS NULL OR superseded_by > %(until)s)
  AND (%(first)s::date IS NULL OR day >= %(first)s)
  AND (%(last)s::date IS NULL OR day <= %(last)s)
  AND (%(tiers)s::text[] = '{}' OR tier = ANY (%(tiers)s))
  AND (%(regions)s::text[] = '{}' OR region = ANY (%(regions)s))
  AND (%(products)s::text[] = '{}' OR products && %(products)s)
  AND (%(accounts)s::text[] = '{}' OR account_id = ANY (%(accounts)s))
  AND (%(currencies)s::text[] = '{}' OR currency = ANY (%(currencies)s))
  AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s)
"""
NEWEST = "SELECT coalesce(max(seq), 0) AS seq FROM asks"
COUNT = f"SELECT count(*) AS quotes FROM asks WHERE {CHOSEN}"  # noqa: S608  our own words
PAGE = f"""
SELECT seq, coalesce(number, quote_id::text) AS quote, revision, selling_unit, day, account_id,
       tier, region, currency, products, skus, figures, content, lines,
       book_id, book_version, fx_id, fx_version
FROM asks WHERE seq > %(after)s AND {CHOSEN}
ORDER BY seq LIMIT %(limit)s
"""  # noqa: S608  our own words
PINNED = f"""
SELECT DISTINCT book_id, book_version, fx_id, fx_version FROM asks WHERE {CHOSEN}
"""  # noqa: S608  our own words
SEEN = """
SELECT coalesce(array_agg(DISTINCT tier), '{}') AS tiers,
       coalesce(array_agg(DISTINCT region), '{}') AS regions,
       (SELECT coalesce(array_agg(DISTINCT each), '{}') FROM asks, unnest(products) AS each)
           AS products,
       min(day) AS first, max(day) AS last, count(DISTINCT quote_id) AS quotes
FROM asks
"""
REASON = "not kept here"
# More lines than a worker prices in a few seconds are no page.
LINES_MAX = 20_000

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
Names = Annotated[tuple[Name, ...], Field(max_length=100)]


class Chosen(Value):
    """Which past quotes: the last answered ask of each, on these days, of these names.

    An empty list does not choose; `outcome`: asks that got a price, or that got none.
    """

    first: Day | None = None
    last: Day | None = None
    tiers: Names = ()
    regions: Names = ()
    products: Names = ()
    accounts: Names = ()
    currencies: Names = ()
    outcome: Literal["priced", "failed"] | None = None

    def params(self, until: int) -> dict[str, Any]:
        """Return it as parameters of a statement; `until` is the last ask that counts."""
        tree = self.model_dump()
        return {name: list(v) if isinstance(v, tuple) else v for name, v in tree.items()} | {
            "until": until
        }


@dataclass(frozen=True, slots=True)
class Page:
    """Some past asks in the order in which they were answered, and where the page ends."""

    asks: tuple[Past, ...]
    last: int


def keep(work: Work, ask_id: str, fact: PricingRequested, answer: Priced | None) -> None:
    """Keep an ask with what it was answered; None, if there was no price."""
    ask = PriceAsk.of(fact)
    bare = ask.model_copy(update={"discounts": tuple(_bare(each) for each in ask.discounts)})
    skus = {part.sku for item in ask.items for part in item.bill_of_materials}
    row: dict[str, Any] = {
        "ask_id": ask_id,
        "deal_id": str(fact.deal_id),
        "quote_id": str(fact.quote_id),
        "number": fact.number,
        "revision": fact.revision,
        "answered_at": work.now.isoformat(),
        "day": fact.day.isoformat(),
        "account_id": fact.account_id,
        "tier": fact.customer_tier,
        "region": fact.region,
        "currency": fact.currency,
        "selling_unit": fact.selling_unit,
        "products": sorted({each.product for each in fact.items}),
        "skus": sorted(skus),
        "lines": sum(len(item.bill_of_materials) for item in ask.items),
        "outcome": "priced" if answer else "failed",
    }
    if answer is not None:
        for name, pin in (("book", answer.book), ("fx", answer.fx)):
            row |= {f"{name}_id": pin.id, f"{name}_version": pin.version}
        row["figures"] = figures_tree(figures_of_answer(ask, answer))
    content = bare.model_dump_json(exclude_defaults=True).encode()
    work.sql(KEEP, {"row": Jsonb(row), "content": content})


def _bare(discount: Any) -> Any:
    """Return a discount without the reason in somebody's words."""
    return discount.model_copy(update={"rationale": REASON})


class Asks:
    """Reads past asks."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def newest(self) -> int:
        """Return the number of the newest ask."""
        return int(self._commands.query(NEWEST)[0]["seq"])

    def count(self, chosen: Chosen, until: int) -> int:
        """Return how many quotes are chosen."""
        return int(self._commands.query(COUNT, chosen.params(until))[0]["quotes"])

    def page(self, chosen: Chosen, until: int, after: int, limit: int) -> Page:
        """Return the next chosen asks after a number."""
        asked = {**chosen.params(until), "after": after, "limit": limit}
        rows = self._commands.query(PAGE, asked)
        lines = list(accumulate(row["lines"] for row in rows))
        # At least one: a quote with more lines than a page should have is a page of its own.
        some = rows[: max(1, bisect_right(lines, LINES_MAX))]
        return Page(tuple(_past(row) for row in some), some[-1]["seq"] if some else after)

    def pinned(self, chosen: Chosen, until: int) -> tuple[set[Key], set[Key]]:
        """Return the books and the FX tables that the chosen asks were priced with."""
        rows = self._commands.query(PINNED, chosen.params(until))
        books, tables = ({_key(row, name) for row in rows} for name in ("book", "fx"))
        return {each for each in books if each}, {each for each in tables if each}

    def seen(self) -> dict[str, Any]:
        """Return which tiers, regions, products and days past asks have, and how many quotes."""
        found = self._commands.query(SEEN)[0]
        names: Sequence[str] = ("tiers", "regions", "products")
        return {**found, **{name: sorted(found[name]) for name in names}}


def _past(row: Mapping[str, Any]) -> Past:
    return Past(
        quote=row["quote"],
        revision=row["revision"],
        selling_unit=row["selling_unit"],
        day=row["day"].isoformat(),
        account_id=row["account_id"],
        tier=row["tier"],
        region=row["region"],
        currency=row["currency"],
        products=tuple(row["products"]),
        skus=tuple(row["skus"]),
        content=bytes(row["content"]),
        book=_key(row, "book"),
        fx=_key(row, "fx"),
        answered=figures_read(row["figures"]) if row["figures"] else None,
    )


def _key(row: Mapping[str, Any], name: str) -> Key | None:
    id_ = row[f"{name}_id"]
    return None if id_ is None else (id_, row[f"{name}_version"])
