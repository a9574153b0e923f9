"""What the command prints: walks, history, explanations, the waiting list, parked records."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from quotewright.client import Client
from quotewright.walked import Walked

Json = dict[str, Any]
RETRY_S, RETRY_LOOK_S = 10.0, 0.1


def walked(console: Console, walk: Walked) -> None:
    """Print one walk: the outcome, then its hops with times."""
    console.print(f"\n[bold]{walk.number}[/]  {walk.title}")
    console.print(
        f"  presented after {walk.presented_s:.2f} s, ordered after {walk.ordered_s:.2f} s,"
        f" net {walk.net}"
    )
    console.print(f"  PDF {walk.pdf}\n  sha256 {walk.pdf_sha256}", soft_wrap=True)
    _say(console, _hops(walk.hops))


def what_to_open(console: Console, url: str, walks: Sequence[Walked]) -> None:
    """Print three things to open or try."""
    number = walks[-1].number if walks else "Q-1001"
    console.print(
        f"\n[bold]Serving at {url}[/] (Ctrl-C ends it). In another terminal:", soft_wrap=True
    )
    console.print(f"  .venv/bin/quotewright history {number}")
    console.print(f"  .venv/bin/quotewright explain {number}")
    console.print("  .venv/bin/quotewright waiting")
    for walk in walks[:1]:
        console.print(f"  open {walk.pdf}", soft_wrap=True)


def history(console: Console, found: Json) -> None:
    """Print a quote's walk hop by hop."""
    console.print(f"[bold]{found['number']}[/]  deal {found['deal_id']}", soft_wrap=True)
    _say(console, _hops(found["hops"]))
    if found["is_cut"]:
        _say(console, ["older hops only; the rest is cut"])


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


def columns(head: Sequence[str], rows: Iterable[Sequence[str]], sides: str) -> Iterator[str]:
    """Give head and rows as lines in columns, as wide as they must be: a terminal may wrap them."""
    table = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(row[n]) for row in table) for n in range(len(head))]
    for row in table:
        cells = [f"{cell:{side}{w}}" for cell, side, w in zip(row, sides, widths, strict=True)]
        yield "  ".join(cells).rstrip()


def _say(console: Console, lines: Iterable[str]) -> None:
    """Print lines as they are: never cut, never read as markup."""
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def waiting(console: Console, rows: Sequence[Json]) -> None:
    """Print the waiting list."""
    if not rows:
        console.print("nothing waits")
        return
    head = ("quote", "customer", "status", "waits for", "since (UTC)", "who can move it")
    shown = [
        (
            row["number"] or "",
            row["account_name"] or "",
            row["status"] or "",
            row["waits_for"] or "",
            _minute(row["waits_since_at"]),
            _movers(row),
        )
        for row in rows
    ]
    first, *rest = columns(head, shown, "<<<<<<")
    _say(console, [first])
    for line, row in zip(rest, rows, strict=True):
        _say(console, [line])
        if row["reason"]:
            _say(console, [f"        {row['reason']}"])


def _movers(row: Json) -> str:
    """Say who can move it: the kind of person, and by name where known."""
    who = row["who_can_move_it"] or ""
    if who == "nobody":
        return "a service is at work"
    return f"{who}: {row['movers']}" if row.get("movers") else who


def _minute(text: str | None) -> str:
    return (text or "")[:16].replace("T", " ")


def parked(console: Console, found: Mapping[str, Sequence[Json]]) -> None:
    """Print what is parked in every service."""
    if not any(found.values()):
        console.print("nothing is parked")
        return
    head = ("service", "number", "deal", "fact", "since (UTC)", "tried")
    for service, rows in found.items():
        shown = [
            (
                service,
                str(row["id"]),
                row["deal"],
                _fact(row),
                _minute(row["parked_at"]),
                str(row["attempts"]),
            )
            for row in rows
        ]
        first, *rest = columns(head, shown, "<><<<>")
        _say(console, [first] if rows else [])
        for line, row in zip(rest, rows, strict=True):
            _say(console, [line, f"        {row['reason']}"])


def parked_one(console: Console, found: Json) -> None:
    """Print one parked record: why, where from, its headers and raw body."""
    place = f"{found['topic']}, partition {found['partition']}, offset {found['offset']}"
    _say(
        console,
        [
            f"{found['id']}  {_fact(found)}  deal {found['deal']}",
            f"  {found['reason']} [{found['code']}], tried {found['attempts']} times",
            f"  {place}",
            *(f"  {name}: {value}" for name, value in found["headers"].items()),
            found["value"],
        ],
    )


def _fact(row: Json) -> str:
    return str(row["fact"] or "unreadable").rpartition(".")[2]


def retried(client: Client, place: str, number: int | None) -> Json:
    """Ask for a retry and wait until each deal asked for is through or has failed again.

    `number` is a record of the deal to try; None tries all. `left` are those still parked of what
    was asked for.   Raises: NotFound, if nothing is parked under the number.
    """
    before = {row["id"]: row for row in client.get(place)}
    asked = client.post(f"{place}/{number}/retry" if number else f"{place}/retry")["asked"]
    deals = {row["deal"] for key, row in before.items() if number in {None, key}}
    mine = {key: row["attempts"] for key, row in before.items() if row["deal"] in deals}
    until = time.monotonic() + RETRY_S
    while True:
        left = [row for row in client.get(place) if row["id"] in mine]
        # A deal goes in order, so its first record tells: it has gone, or it has failed again.
        first = {row["deal"]: row for row in reversed(left)}
        if all(row["attempts"] > mine[row["id"]] for row in first.values()):
            return {"asked": asked, "left": left}
        if time.monotonic() > until:
            return {"asked": asked, "left": left}
        time.sleep(RETRY_LOOK_S)


def after_retry(console: Console, found: Json) -> None:
    """Print what became of a retry."""
    left = found["left"]
    _say(console, [f"{max(found['asked'] - len(left), 0)} of {found['asked']} handled"])
    _say(console, (f"  still parked: {row['id']} {_fact(row)}: {row['reason']}" for row in left))
