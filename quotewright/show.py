"""What the command prints: walks, history, explanations, the waiting list."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from contracts import places
from quotewright.walked import Walked

Json = dict[str, Any]


def walked(console: Console, walk: Walked) -> None:
    """Print one walk: the outcome, then its hops with times."""
    console.print(f"\n[bold]{walk.number}[/]  {walk.title}")
    console.print(
        f"  presented after {walk.presented_s:.2f} s, ordered after {walk.ordered_s:.2f} s,"
        f" net {walk.net}"
    )
    console.print(f"  PDF {walk.pdf}\n  sha256 {walk.pdf_sha256}", soft_wrap=True)
    say(console, _hops(walk.hops))


def what_to_open(console: Console, url: str, walks: Sequence[Walked]) -> None:
    """Print what to open in a browser, and what to try in a terminal."""
    number = walks[-1].number if walks else "Q-1001"
    console.print(
        f"\n[bold]Serving at {url}[/] (Ctrl-C ends it). In another terminal:", soft_wrap=True
    )
    for path in (places.SIGN_IN, places.OPPORTUNITIES, places.INBOX):
        console.print(f"  open {url}{path}", soft_wrap=True)
    for walk in walks[:1]:
        console.print(f"  open {url}{walk.offer}", soft_wrap=True)
    console.print(f"  .venv/bin/quotewright history {number}")
    console.print(f"  .venv/bin/quotewright explain {number}")
    console.print("  .venv/bin/quotewright waiting")
    for walk in walks[:1]:
        console.print(f"  open {walk.pdf}", soft_wrap=True)


def history(console: Console, found: Json) -> None:
    """Print a quote's walk hop by hop."""
    console.print(f"[bold]{found['number']}[/]  deal {found['deal_id']}", soft_wrap=True)
    say(console, _hops(found["hops"]))
    if found["is_cut"]:
        say(console, ["older hops only; the rest is cut"])


def _hops(hops: Sequence[Json]) -> Iterator[str]:
    """Give the hops as rows; `because of` is the number of the hop that caused one, or a person."""
    order = {hop["id"]: number for number, hop in enumerate(hops, 1)}
    rows = [
        (
            str(number),
            hop["time"][11:23],
            "" if hop["since_previous_ms"] is None else str(hop["since_previous_ms"]),
            hop["fact"],
            hop["source"],
            str(order.get(hop["causation"] or "", hop["actor"] or "")),
        )
        for number, hop in enumerate(hops, 1)
    ]
    yield from columns(("#", "time (UTC)", "+ms", "fact", "said by", "because of"), rows, ">>><<<")


def columns(head: Sequence[str], cells: Iterable[Sequence[str]], sides: str) -> Iterator[str]:
    """Give head and rows as lines in columns, as wide as they must be: a terminal may wrap them."""
    table = [tuple(head), *(tuple(row) for row in cells)]
    widths = [max(len(row[n]) for row in table) for n in range(len(head))]
    for row in table:
        aligned = [f"{cell:{side}{w}}" for cell, side, w in zip(row, sides, widths, strict=True)]
        yield "  ".join(aligned).rstrip()


def say(console: Console, lines: Iterable[str]) -> None:
    """Print lines as they are: never cut, never read as markup."""
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def waiting(console: Console, found: Sequence[Json]) -> None:
    """Print the waiting list."""
    if not found:
        console.print("nothing waits")
        return
    head = ("quote", "customer", "status", "waits for", "since (UTC)", "who can move it")
    shown = [
        (
            row["number"] or "",
            row["account_name"] or "",
            row["status"] or "",
            row["waits_for"] or "",
            minute(row["waits_since_at"]),
            _movers(row),
        )
        for row in found
    ]
    first, *rest = columns(head, shown, "<<<<<<")
    say(console, [first])
    for line, row in zip(rest, found, strict=True):
        say(console, [line])
        if row["reason"]:
            say(console, [f"        {row['reason']}"])


def _movers(row: Json) -> str:
    """Say who can move it: the kind of person, and by name where known."""
    who = row["who_can_move_it"] or ""
    if who == "nobody":
        return "a service is at work"
    return f"{who}: {row['movers']}" if row.get("movers") else who


def minute(text: str | None) -> str:
    """Return date and time to the minute of an ISO moment."""
    return (text or "")[:16].replace("T", " ")
