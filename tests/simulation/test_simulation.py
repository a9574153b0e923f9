"""Seeds hold, a seed is always the same run, and planted bugs are found."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.run import replay, run

ROOT = Path(__file__).parents[2]
SEEDS, SOME = 100, 40
CHUNK = 20


@pytest.mark.parametrize(
    "first",
    [
        *range(0, SOME, CHUNK),
        *(pytest.param(each, marks=pytest.mark.prove) for each in range(SOME, SEEDS, CHUNK)),
    ],
)
def test_every_invariant_holds_under_faults(first: int) -> None:
    for seed in range(first, first + CHUNK):
        outcome = run(seed)
        assert outcome.broken is None, outcome.broken


def test_a_seed_is_the_same_run_in_every_process() -> None:
    """Also under another hash of strings, which orders sets differently."""
    seeds = (3, 36)
    code = "from tests.simulation.run import run\n"
    code += f"print(*[run(each).digest for each in {seeds}])"
    others = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hashed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for hashed in ("1", "2")
    ]
    told = [each.communicate()[0].split() for each in others]
    assert told == [[run(each).digest for each in seeds]] * 2


def test_two_seeds_are_two_runs() -> None:
    assert run(1).digest != run(2).digest


def test_a_replay_tells_every_step() -> None:
    story, outcome = replay(5)
    assert outcome.broken is None
    assert len(story) > 50
    assert any("faults stop" in line for line in story)
