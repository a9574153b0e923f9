"""Says whether today's facts are still what was released: schemas may grow and never break.

`python -m contracts.compat` compares the code with every released edition; `make check` runs it.
`python -m contracts.compat release` writes an edition of what is new, if nothing breaks. An edition
is what a schema accepted at one time, without its words: `<wire type>.<version>.<edition>.json`,
listed with its hash in INDEX, never changed and never removed.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from contracts import schema
from contracts.catalogue import FACTS, every_fact
from contracts.envelope import Fact
from contracts.shapes import Finding, compare, shape_of

FOLDER = Path(__file__).parent / "released"
INDEX = "INDEX"
NEW_VERSION = "raise its VERSION, write an upcaster, freeze a sample (docs/howto/change-a-fact.md)"
BRING_BACK = "bring the file back from the history: what was released stays"
RECORD = "run: python -m contracts.compat release"


@dataclass(frozen=True, slots=True)
class Edition:
    """One released shape of one version of a fact."""

    wire_type: str
    version: int
    number: int
    shape: Mapping[str, Any]

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.wire_type}.{self.version}.{self.number}.json"


def editions(folder: Path) -> list[Edition]:
    """Read all released editions, in order."""
    found = []
    for file in folder.glob("*.json"):
        wire_type, version, number = file.stem.rsplit(".", 2)
        shape = json.loads(file.read_text(encoding="utf-8"))
        found.append(Edition(wire_type, int(version), int(number), shape))
    return sorted(found, key=lambda each: (each.wire_type, each.version, each.number))


def problems(facts: Iterable[type[Fact]], upcasters: Iterable[tuple[str, int]],
             folder: Path) -> list[str]:  # fmt: skip
    """Return everything that is not as it was released, each with what to do; empty is good."""
    known = {fact.wire_type(): fact for fact in facts}
    tampered = list(_tampered(folder))
    if tampered:
        return tampered
    released = editions(folder)
    found = [
        f"{wire_type} was released and is gone: keep the class, and stop appending it"
        for wire_type in sorted({each.wire_type for each in released} - known.keys())
    ]
    steps = set(upcasters)
    for wire_type, fact in known.items():
        mine = [each for each in released if each.wire_type == wire_type]
        found += _of_fact(fact, mine)
        found += [
            f"{wire_type} version {version} has no upcaster to {version + 1}: {NEW_VERSION}"
            for version in range(1, fact.VERSION)
            if (wire_type, version) not in steps
        ]
    return found


def _of_fact(fact: type[Fact], released: list[Edition]) -> Iterator[str]:
    """Compare one fact with its editions."""
    versions = {each.version for each in released}
    wire_type, now = fact.wire_type(), fact.VERSION
    name = f"{wire_type} version {now}"
    for version in sorted(set(range(1, now)) - versions):
        yield f"{wire_type} version {version} was never released, yet {now} is here"
    for version in sorted(versions - set(range(1, now + 1))):
        yield f"{wire_type} version {version} was released; VERSION is back at {now}"
    mine = [each for each in released if each.version == now]
    today = shape_of(schema.schema_of(fact))
    broken = [(each, finding) for each in mine for finding in compare(each.shape, today)
              if finding.breaks]  # fmt: skip
    for edition, finding in broken:
        place = f"its edition {edition.number} at {finding}"
        yield f"{name} breaks {place}. To change it, {NEW_VERSION}"
    if not broken and (not mine or mine[-1].shape != today):
        yield f"{name} is not released as it is now: {RECORD}"


def _tampered(folder: Path) -> Iterator[str]:
    """Find files of the folder that were edited, removed or put there by hand."""
    listed = _index(folder)
    found = {file.name: _digest(file) for file in folder.glob("*.json")}
    for name in sorted(listed.keys() | found.keys()):
        if name not in found:
            yield f"{name} was released and is gone: {BRING_BACK}"
        elif name not in listed:
            yield f"{name} is not in {INDEX}: remove it, then {RECORD}"
        elif listed[name] != found[name]:
            yield f"{name} was changed after its release: {BRING_BACK}"


def release(facts: Iterable[type[Fact]], folder: Path) -> tuple[list[str], list[Finding]]:
    """Write an edition of every fact whose shape is new.

    Returns the files written, and what widened: readers of it are deployed first.
    """
    released = editions(folder)
    written, widened = [], list[Finding]()
    for fact in facts:
        key = (fact.wire_type(), fact.VERSION)
        mine = [each for each in released if (each.wire_type, each.version) == key]
        today = shape_of(schema.schema_of(fact))
        if mine and mine[-1].shape == today:
            continue
        edition = Edition(*key, len(mine) + 1, today)
        widened += compare(mine[-1].shape, today) if mine else []
        text = json.dumps(today, indent=1, sort_keys=True, ensure_ascii=False)
        (folder / edition.file).write_text(text + "\n", encoding="utf-8")
        written.append(edition.file)
    lines = _index(folder) | {name: _digest(folder / name) for name in written}
    text = "".join(f"{digest}  {name}\n" for name, digest in sorted(lines.items()))
    (folder / INDEX).write_text(text, encoding="utf-8")
    return written, widened


def _index(folder: Path) -> dict[str, str]:
    file = folder / INDEX
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {name: digest for digest, name in (line.split() for line in lines)}


def _digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def main(words: list[str]) -> int:
    """Check, or `release`; prints what is wrong, and returns the exit code."""
    say = sys.stdout.write
    found = problems(FACTS, every_fact().steps(), FOLDER)
    blocking = [each for each in found if not each.endswith(RECORD)]
    if words == ["release"] and not blocking:
        written, widened = release(FACTS, FOLDER)
        say("".join(f"released {each}\n" for each in written))
        say("".join(f"deploy readers first: {each}\n" for each in widened))
        return 0
    say("".join(f"{each}\n" for each in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
