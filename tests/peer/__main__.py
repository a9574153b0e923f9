"""`make peers CASES=DIR`: every peer model below DIR/configurator through our engines."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from contracts.errors import QuotewrightError
from tests.peer.configurator_cases import Peer, cases, checks, read_dimacs, uvl_checks

SOLVER_STEPS = 2


def main() -> int:
    """Check every case, say what is not right, and close with the sums."""
    given = os.environ.get("CASES")
    if not given:
        print("say where the cases are: make peers CASES=DIR")
        return 2
    folder = Path(given) / "configurator"
    told, known = Told(), set()
    for case, path in cases(folder):
        model = read_dimacs(path)
        peer = Peer(model)
        engine = "solver and circuit" if peer.circuit else "solver alone"
        told.of(f"{path.name}, {engine}", checks(case, peer, solver_steps=SOLVER_STEPS))
        for uvl in sorted(path.parent.glob(f"{case['model']}.uvl*")):
            known.add(uvl)
            told.of(uvl.name, uvl_checks(uvl, case, model.names))
    for uvl in sorted(set(folder.glob("**/*.uvl*")) - known):
        told.of(uvl.name, uvl_checks(uvl, None, ()))
    print(f"configurator: {told.passed} passed, {told.failed} failed")
    return 1 if told.failed or not told.passed else 0


class Told:
    """Counts what is as expected, and says what is not."""

    def __init__(self) -> None:
        self.passed = self.failed = 0

    def of(self, name: str, checked: Iterator[tuple[str, bool]]) -> None:
        """Go through the checks of one file; a file that is refused is one that failed."""
        began, before = time.monotonic(), self.passed
        try:
            for what, good in checked:
                self.passed += good
                self.failed += not good
                if not good:
                    print(f"{name}: not as expected: {what}")
        except QuotewrightError as fault:
            self.failed += 1
            print(f"{name}: refused: {fault.message}")
        took = time.monotonic() - began
        print(f"{name}: {self.passed - before} as expected, {took:.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
