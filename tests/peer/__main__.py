"""`make peers CASES=DIR`: every peer model and every peer price below DIR through our engines.

Which files are read, and in which forms: tests/peer/README.md. `python -m tests.peer pricing`
takes only that folder.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from contracts.errors import QuotewrightError
from tests.peer.configurator_cases import (
    Peer,
    checks,
    model_of,
    models,
    peer_of,
    uvl_checks,
)
from tests.peer.pricing_cases import NotSaid, cases_of, compared
from tests.peer.reading import CaseFault, case_of
from tests.peer.revalidating_cases import model_names, revalidate_checks

Checked = Iterator[tuple[str, bool]]
# What a file of another form than we know leads to, where no sentence of ours was first.
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    MemoryError,
    RecursionError,
)


def main(arguments: Sequence[str] = ()) -> int:
    """Check every case (of these kinds), say what is not right, and close with the sums."""
    given = os.environ.get("CASES")
    if not given:
        print("say where the cases are: make peers CASES=DIR")
        return 2
    wanted = arguments or [each for each in KINDS if (Path(given) / each).is_dir()]
    good = [_summed(each, Path(given) / each) for each in wanted or KINDS]
    return 0 if all(good) else 1


def _summed(kind: str, folder: Path) -> bool:
    """Go through one folder, and close with its sums."""
    told = Told()
    KINDS[kind](folder, told)
    print(f"{kind}: {told.passed} passed, {told.failed} failed", flush=True)
    return bool(told.passed) and not told.failed


class Told:
    """Counts what is as expected, and says what is not."""

    def __init__(self) -> None:
        self.passed = self.failed = 0

    def of(self, name: str, ask: Callable[[], Checked]) -> None:
        """Go through the checks of one file; a file that is refused is one that failed."""
        began, before = time.monotonic(), self.passed
        try:
            for what, good in ask():
                self.passed += good
                self.failed += not good
                if not good:
                    print(f"{name}: not as expected: {what}")
        except QuotewrightError as fault:
            self.failed += 1
            print(f"{name}: refused: {fault.message}")
        except UNREADABLE as fault:
            self.failed += 1
            print(f"{name}: refused: {type(fault).__name__}: {fault}")
        took = time.monotonic() - began
        print(f"{name}: {self.passed - before} as expected, {took:.1f} s", flush=True)


class Run:
    """One run over a folder; each model is made ready once, and let go after its last case."""

    def __init__(self, folder: Path, told: Told) -> None:
        self._folder = folder
        self._told = told
        self._models = models(folder)
        self._checked: set[Path] = set()

    def all(self) -> None:
        """Go through every expectation, then through every model that has none."""
        if not self._folder.is_dir():
            self._told.of(str(self._folder), partial(_missing, self._folder))
        expected = sorted(self._folder.glob("**/*.expected.json"))
        for path in expected:
            replays = path.name.startswith("revalidate_")
            self._told.of(path.name, partial(self._revalidated if replays else self._case, path))
        for path in (each for paths in self._models.values() for each in paths):
            if path not in self._checked:
                self._told.of(path.name, partial(self._alone, path))

    def _case(self, path: Path) -> Checked:
        case = case_of(path)
        first, *others = self._files(str(case.get("model", path.name.split(".")[0])))
        self._checked.update([first, *others])
        peer = peer_of(first)
        print(f"{path.name}: {first.name}, {len(peer.names)} options, {peer.engines}", flush=True)
        yield from checks(case, peer)
        order = peer.names
        del peer
        for each in others:
            if ".uvl" in each.name:
                for what, good in uvl_checks(each, case, order):
                    yield f"{each.name}: {what}", good
            else:
                yield from (
                    (f"{each.name}: {what}", good) for what, good in checks(case, peer_of(each))
                )

    def _revalidated(self, path: Path) -> Checked:
        case = case_of(path)
        earlier, newer = (peer_of(self._files(name)[0]) for name in model_names(case))
        print(f"{path.name}: {len(earlier.names)} options, then {len(newer.names)}", flush=True)
        yield from revalidate_checks(case, earlier, newer)

    def _alone(self, path: Path) -> Checked:
        """Hold a model without expectations against itself: both engines say the same."""
        if ".uvl" in path.name:
            yield from uvl_checks(path, None, ())
            return
        peer = peer_of(path)
        possible = peer.possible([])
        yield "it has a configuration", possible is not None
        if possible is not None and peer.circuit is not None:
            yield "both engines say the same", _agree(peer, possible)

    def _files(self, name: str) -> list[Path]:
        plain = model_of(Path(name)) or name
        if plain not in self._models:
            raise CaseFault(f"there is no model '{plain}' below {self._folder.name}/")
        return self._models[plain]


def _prices(folder: Path, told: "Told") -> None:
    """Go through every file of prices; a case that our book has no words for has failed."""
    if not folder.is_dir():
        told.of(str(folder), partial(_missing, folder))
    for path in sorted(folder.glob("**/*.json")):
        told.of(path.name, partial(_priced, path))


def _priced(path: Path) -> Checked:
    for place, case in enumerate(cases_of(path)):
        name = str(case.get("id", place)) if isinstance(case, dict) else str(place)
        try:
            wrong = compared(case)
        except NotSaid as fault:
            wrong = [f"not in our price book: {fault}"]
        except (QuotewrightError, *UNREADABLE) as fault:
            wrong = [f"{type(fault).__name__}: {fault}"]
        yield "; ".join([name, *wrong]), not wrong


def _missing(folder: Path) -> Checked:
    raise CaseFault(f"there is no folder {folder}; CASES names the folder above it")


def _agree(peer: Peer, possible: list[int]) -> bool:
    return all(
        peer.can([], place, bit) == bool(mask & bit)
        for place, mask in list(enumerate(possible))[:200]
        for bit in (1, 2)
    )


KINDS: dict[str, Callable[[Path, Told], None]] = {
    "configurator": lambda folder, told: Run(folder, told).all(),
    "pricing": _prices,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
