"""`make peers CASES=DIR`: every peer model below DIR/configurator through our engines."""

import os
import sys
import time
from pathlib import Path

from tests.peer.configurator_cases import Peer, cases, checks, read_dimacs

SOLVER_STEPS = 2


def main() -> int:
    """Check every case, say what is not right, and close with the sums."""
    given = os.environ.get("CASES")
    if not given:
        print("say where the cases are: make peers CASES=DIR")
        return 2
    passed = failed = 0
    for case, path in cases(Path(given) / "configurator"):
        began = time.monotonic()
        peer = Peer(read_dimacs(path))
        engine = "solver and circuit" if peer.circuit else "solver alone"
        right = 0
        for what, good in checks(case, peer, solver_steps=SOLVER_STEPS):
            right += good
            failed += not good
            if not good:
                print(f"{case['model']}: not as expected: {what}")
        passed += right
        print(
            f"{case['model']}: {right} as expected, by {engine}, {time.monotonic() - began:.1f} s"
        )
    print(f"configurator: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
