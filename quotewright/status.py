"""`quotewright status`: one calm screen that says whether the house needs a person, and why."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from contracts.errors import Unavailable
from quotewright.client import Client
from quotewright.prefixes import PREFIXES
from quotewright.show import Json, columns

# Beyond this a lag is no longer work under way; infra/deploy/alerts.yaml says the same.
LATE_S = 60.0
REMINDERS_LATE_S = 300.0
WIDE_COLUMNS = 120
HELP = "docs/operations.md#alarms"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found: each service's status, or why it does not answer."""

    url: str
    services: Mapping[str, Json]

    def needs(self) -> list[str]:
        """Say, a sentence each, what needs a person; empty if all is well."""
        return [
            f"{name}: {need}" for name, each in self.services.items() for need in _needs(name, each)
        ]

    def as_json(self) -> Json:
        """Return the same for a program."""
        needs = self.needs()
        return {"url": self.url, "well": not needs, "needs": needs, "services": self.services}


def look(client: Client, url: str) -> Seen:
    """Ask every service how it stands, all at once.

    Raises: Unauthenticated, Forbidden, for a token that does not fit; NotRunning, if no service
    answers.
    """
    with ThreadPoolExecutor(len(PREFIXES)) as threads:
        asked = {name: threads.submit(_ask, client, prefix) for name, prefix in PREFIXES.items()}
        answers = {name: each.result() for name, each in asked.items()}
    faults = [each for each in answers.values() if isinstance(each, Unavailable)]
    if len(faults) == len(answers):
        raise faults[0]
    services = {
        name: {"service": name, "down": each.message} if isinstance(each, Unavailable) else each
        for name, each in answers.items()
    }
    return Seen(url, services)


def _ask(client: Client, prefix: str) -> Json | Unavailable:
    try:
        found: Json = client.get(f"{prefix}/admin/status")
    except Unavailable as fault:
        return fault
    return found


def _needs(name: str, status: Json) -> Iterator[str]:
    if "down" in status:
        yield f"down: {status['down']}"
        return
    yield from (reason.removeprefix(f"{name}: ") for reason in status["reasons"])
    for each in status["consumers"]:
        if each["lag_s"] > LATE_S:
            yield f"{_age(each['lag_s'])} behind on {each['topic']}"
    if status["relay_lag_s"] > LATE_S:
        yield f"facts wait {_age(status['relay_lag_s'])} to be published"
    if status["migrations_missing"]:
        yield f"migrations are missing: {', '.join(status['migrations_missing'])}"
    tables = status["tables"]
    if tables is None:
        return
    if tables["parked_records"]:
        deals = _count(tables["parked_deals"], "deal")
        yield f"{deals} parked, see `quotewright parked list`"
    if tables["deliveries_stuck"]:
        yield f"{_count(tables['deliveries_stuck'], 'webhook')} stuck"
    if tables["reminders_age_s"] > REMINDERS_LATE_S:
        late = _count(tables["reminders_overdue"], "reminder")
        yield f"{late} overdue, by up to {_age(tables['reminders_age_s'])}"


def show(console: Console, seen: Seen) -> None:
    """Print a line per service, then what needs a person; as wide as the terminal allows."""
    wide = console.width >= WIDE_COLUMNS
    head = ["service", "state", "behind", "published", "parked", "webhooks", "reminders"]
    extra = ["database", "relay", "release"]
    rows = [_row(name, each, wide=wide) for name, each in seen.services.items()]
    lines = list(columns([*head, *(extra if wide else [])], rows, "<" * (len(head) + 3 * wide)))
    console.print(f"Quotewright at {seen.url}, {_buses(seen)}", soft_wrap=True, highlight=False)
    console.print(Text(lines[0], style="bold"), soft_wrap=True)
    for line, each in zip(lines[1:], seen.services.values(), strict=True):
        ready = each.get("ready", False)
        console.print(Text(line, style="" if ready else "red"), soft_wrap=True)
    needs = seen.needs()
    if not needs:
        console.print("all is well")
        return
    console.print(f"{_count(len(needs), 'thing')} for a person ({HELP}):", highlight=False)
    for need in needs:
        console.print(Text(f"  {need}"), soft_wrap=True)


def _row(name: str, status: Json, *, wide: bool) -> list[str]:
    if "down" in status:
        return [name, "down", *[""] * (8 if wide else 5)]
    tables = status["tables"]
    state = "ready" if status["ready"] else "not ready"
    row = [name, state, _behind(status["consumers"])]
    if tables is None:
        row += ["?"] * 4
    else:
        row += [
            _published(tables, status["relay_lag_s"]),
            _count(tables["parked_deals"], "deal") if tables["parked_deals"] else "0",
            _webhooks(tables),
            f"{tables['reminders_overdue']} due" if tables["reminders_overdue"] else "0",
        ]
    if wide:
        row += [
            "answers" if tables is not None else "no answer",
            "leads" if status["relay_leads"] else "stands by",
            status["version"],
        ]
    return row


def _behind(consumers: Sequence[Json]) -> str:
    """Say how far a service is behind, on the topic where it is furthest."""
    if not any(each["active"] for each in consumers):
        return "stands by"
    facts = sum(each["lag"] or 0 for each in consumers)
    late_s = max(each["lag_s"] for each in consumers)
    unknown = any(each["lag"] is None for each in consumers)
    return f"{'?' if unknown else facts}" + (f", {_age(late_s)}" if late_s >= 1 else "")


def _published(tables: Json, late_s: float) -> str:
    behind = tables["newest_position"] - tables["relay_position"]
    lag = f" (-{behind}, {_age(late_s)})" if behind > 0 else ""
    return f"{tables['relay_position']}{lag}"


def _webhooks(tables: Json) -> str:
    stuck = f", {tables['deliveries_stuck']} stuck" if tables["deliveries_stuck"] else ""
    return f"{tables['deliveries_due']}{stuck}"


def _buses(seen: Seen) -> str:
    known = {each["bus"] for each in seen.services.values() if "bus" in each}
    return f"{' and '.join(sorted(known))} bus"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _age(seconds: float) -> str:
    """Say a time in the two units that a person reads at a glance."""
    whole = int(seconds)
    for unit, size, smaller, part in (("d", 86400, "h", 3600), ("h", 3600, "min", 60)):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part} {smaller}"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
