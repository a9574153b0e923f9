"""The simulation can fail: each known bug that is planted is found within a few seeds."""

import pytest

from tests.simulation.planted import PLANTED, Plant
from tests.simulation.run import Outcome, run


def first_broken(plant: Plant, patch: pytest.MonkeyPatch, since: int) -> Outcome | None:
    """Return the first broken run with the bug from a seed on, if one is within its bound."""
    plant(patch)
    outcomes = (run(seed) for seed in range(since, PLANTED[plant].within))
    return next((each for each in outcomes if each.broken), None)


@pytest.mark.parametrize("plant", PLANTED, ids=lambda each: each.__name__)
def test_a_planted_bug_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the seed on that found it last; should that one miss it, a later one must not."""
    assert first_broken(plant, monkeypatch, PLANTED[plant].since) is not None


@pytest.mark.prove
@pytest.mark.parametrize("plant", PLANTED, ids=lambda each: each.__name__)
def test_a_planted_bug_is_found_from_the_first_seed_on(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert first_broken(plant, monkeypatch, 0) is not None


def test_a_story_tells_the_rule_the_steps_the_facts_and_how_to_replay_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (plant,) = [each for each in PLANTED if each.__name__ == "acceptance_leaves_the_siblings_open"]
    broken = first_broken(plant, monkeypatch, PLANTED[plant].since)
    assert broken is not None
    assert broken.broken is not None
    lines = broken.broken.splitlines()
    assert lines[0] == f"seed {broken.seed}: accepting withdraws the siblings"
    assert lines[-1] == f"make simulate SEED={broken.seed}"
    assert any(line.startswith("the last steps (faults so far:") for line in lines)
    assert any("QuoteAccepted" in line and "anonymous" in line for line in lines)
