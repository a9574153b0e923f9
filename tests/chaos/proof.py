"""The table that the proofs fill: fault, what was checked, result, recovery time, figures."""

import time
from dataclasses import dataclass, field


@dataclass
class Proof:
    """One fault and what came of it. `checked` grows with every check that was made."""

    fault: str
    checked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    recovery_s: float | None = None
    facts: int = 0
    duplicates: int | None = None
    note: str = ""
    held: bool = False
    _since: float = 0.0

    def begins(self) -> None:
        """Take the time: the fault happens now."""
        self._since = time.monotonic()

    def recovered(self) -> None:
        """Take the time: everything goes again."""
        self.recovery_s = time.monotonic() - self._since

    def check(self, name: str, faults: list[str]) -> None:
        """Note one check and what it found."""
        self.checked.append(name)
        self.faults += [f"{name}: {each}" for each in faults]

    def holds(self) -> None:
        """Fail the test if anything was found; say so if nothing was checked."""
        assert self.checked, f"nothing was checked after: {self.fault}"
        assert not self.faults, f"after: {self.fault}\n  " + "\n  ".join(self.faults)
        self.held = True


TABLE: list[Proof] = []
HEAD = ("fault", "checked", "result", "recovery", "facts", "doubles dropped", "note")


def row_of(proof: Proof) -> tuple[str, ...]:
    """Return a proof as cells of text; one that did not come to its end is broken."""
    return (
        proof.fault,
        ", ".join(dict.fromkeys(proof.checked)),
        "holds" if proof.held else "BROKEN",
        "-" if proof.recovery_s is None else f"{proof.recovery_s:.1f} s",
        f"{proof.facts}",
        "-" if proof.duplicates is None else f"{proof.duplicates}",
        proof.note,
    )


def markdown() -> str:
    """Return the table of this run in Markdown."""
    lines = [HEAD, ("---",) * len(HEAD), *map(row_of, TABLE)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
