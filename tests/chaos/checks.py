"""What must hold after every fault: nothing lost, nothing doubled, nothing out of order, views right.

Each check takes plain rows and returns what is wrong, as sentences; an empty list is a pass.
`test_checks.py` plants a fault against each.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ANSWERING = ("configurator", "pricer", "documents")
SHOWN_MAX = 5


@dataclass(frozen=True)
class Stored:
    """One row of a service's event table."""

    service: str
    position: int
    stream: str
    version: int
    type: str
    deal: str
    command: str
    ordinal: int
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.stream}/{self.version}"


@dataclass(frozen=True)
class Heard:
    """One fact as a consumer that copies everything heard it; `seq` counts its copies."""

    seq: int
    id: str
    deal: str
    type: str
    causation: str | None = None

    @property
    def stream(self) -> str:
        return self.id.rpartition("/")[0]

    @property
    def version(self) -> int:
        return int(self.id.rpartition("/")[2])


@dataclass(frozen=True)
class Told:
    """One message that an outside system took from us about a record."""

    record: str
    sequence: int


def lost(acknowledged: Iterable[str], stored: Collection[str]) -> list[str]:
    """Acknowledged is a part of stored."""
    missing = [each for each in acknowledged if each not in stored]
    return _few(f"{each} was acknowledged and is not stored" for each in missing)


def broken_streams(stored: Sequence[Stored]) -> list[str]:
    """Every stream has the versions 1 to n, each once."""
    versions = defaultdict[tuple[str, str], list[int]](list)
    for row in stored:
        versions[row.service, row.stream].append(row.version)
    return _few(
        f"{stream} has the versions {sorted(found)[:20]}"
        for (_, stream), found in versions.items()
        if sorted(found) != list(range(1, len(found) + 1))
    )


def uncopied(stored: Sequence[Stored], heard: Sequence[Heard]) -> list[str]:
    """Who copies everything has every stored fact once, and none that nobody stored."""
    there, here = Counter(row.id for row in stored), Counter(each.id for each in heard)
    faults = [f"{id_} is stored and was never heard" for id_ in there if id_ not in here]
    faults += [f"{id_} was heard and is not stored" for id_ in here if id_ not in there]
    faults += [f"{id_} was heard {n} times" for id_, n in here.items() if n > 1]
    return _few(faults)


def disordered(heard: Sequence[Heard]) -> list[str]:
    """Within a deal each stream came in its order, and every cause before its effect."""
    faults, last, seen = [], dict[str, int](), set[str]()
    ids = {each.id for each in heard}
    for each in sorted(heard, key=lambda one: one.seq):
        if each.version != last.get(each.stream, 0) + 1:
            faults.append(f"{each.id} came after version {last.get(each.stream, 0)}")
        last[each.stream] = each.version
        seen.add(each.id)
        if each.causation in ids and each.causation not in seen:
            faults.append(f"{each.id} came before its cause {each.causation}")
    return _few(faults)


def doubled(stored: Sequence[Stored]) -> list[str]:
    """No command took effect twice, no ask has two answers, no deal two orders."""
    commands = Counter((row.service, row.command, row.ordinal) for row in stored)
    orders = Counter(row.deal for row in stored if row.type.endswith(".OrderPlaced"))
    answers = Counter(
        (row.service, row.body["answers"])
        for row in stored
        if row.service in ANSWERING and "answers" in row.body
    )
    faults = [f"the command {key[1]} took effect {n} times" for key, n in commands.items() if n > 1]
    faults += [f"the deal {deal} has {n} orders" for deal, n in orders.items() if n > 1]
    faults += [f"{who} answered {ask} {n} times" for (who, ask), n in answers.items() if n > 1]
    return _few(faults)


def differing(view: str, folded: Mapping[Any, Any], shown: Mapping[Any, Any]) -> list[str]:
    """A view is the fold of the facts: the same keys, the same rows."""
    faults = [f"{view} lacks {key}" for key in folded if key not in shown]
    faults += [f"{view} shows {key}, which no fact tells of" for key in shown if key not in folded]
    faults += [
        f"{view} shows {key} as {shown[key]}, the facts say {row}"
        for key, row in folded.items()
        if key in shown and shown[key] != row
    ]
    return _few(faults)


def turned_back(told: Sequence[Told]) -> list[str]:
    """An outside system hears of a record in order, and each state once."""
    faults, last = [], dict[str, int]()
    for each in told:
        if each.sequence <= last.get(each.record, 0):
            faults.append(f"{each.record} was told {each.sequence} after {last[each.record]}")
        last[each.record] = max(each.sequence, last.get(each.record, 0))
    return _few(faults)


def _few(faults: Iterable[str]) -> list[str]:
    """Name the first faults and count the rest."""
    found = list(faults)
    rest = len(found) - SHOWN_MAX
    return found[:SHOWN_MAX] + ([f"and {rest} more of these"] if rest > 0 else [])
