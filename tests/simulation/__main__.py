"""Run many seeds on all cores, or replay one: `make simulate SEEDS=10000`, `make simulate SEED=7`."""

import argparse
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from contextlib import suppress

from tests.simulation.run import Outcome, replay, run

CHUNK = 10
STORIES_MAX = 3


def main() -> int:
    """Return 0 if nothing broke."""
    asked = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    asked.add_argument("--seeds", type=int, default=1000, help="how many seeds to run")
    asked.add_argument("--first", type=int, default=0, help="the first seed")
    asked.add_argument("--seed", type=int, help="replay this one, step by step")
    asked.add_argument("--processes", type=int, default=os.cpu_count())
    given = asked.parse_args()
    if given.seed is not None:
        return _replayed(given.seed)
    return _many(range(given.first, given.first + given.seeds), given.processes)


def _replayed(seed: int) -> int:
    story, outcome = replay(seed)
    print("\n".join(story))
    print()
    print(outcome.broken or f"seed {seed} holds; digest {outcome.digest}")
    return 1 if outcome.broken else 0


def _many(seeds: range, processes: int) -> int:
    began = time.monotonic()
    broken: list[Outcome] = []
    faults: Counter[str] = Counter()
    facts = done = 0
    with multiprocessing.Pool(processes, _leave_interrupts) as pool, suppress(KeyboardInterrupt):
        for outcome in pool.imap_unordered(run, seeds, chunksize=CHUNK):
            done += 1
            facts += outcome.facts
            faults.update(outcome.faults)
            if outcome.broken:
                broken.append(outcome)
                if len(broken) <= STORIES_MAX:
                    print(outcome.broken, end=f"\n\n{'-' * 80}\n\n", flush=True)
            if done % 1000 == 0:
                _progress(done, len(seeds), time.monotonic() - began)
    _report(broken, faults, f"{done} seeds, {facts} facts", time.monotonic() - began)
    return 1 if broken else 0


def _leave_interrupts() -> None:
    """Let the one process that reports end a run that somebody interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _progress(done: int, total: int, took_s: float) -> None:
    left_s = took_s / done * (total - done)
    print(f"{done} of {total} seeds, {done / took_s:.0f}/s, {left_s:.0f} s left", file=sys.stderr)


def _report(broken: list[Outcome], faults: Counter[str], what: str, took_s: float) -> None:
    print(f"{what} in {took_s:.0f} s; faults:", ", ".join(_named(faults)) or "none")
    for rule, count in Counter(each.rule for each in broken).most_common():
        seeds = [str(each.seed) for each in broken if each.rule == rule]
        print(f"broken in {count}: {rule}; seeds {', '.join(sorted(seeds, key=int)[:10])}")
    print(f"{len(broken)} broken")


def _named(faults: Counter[str]) -> list[str]:
    return [f"{name} {count}" for name, count in sorted(faults.items())]


if __name__ == "__main__":
    raise SystemExit(main())
