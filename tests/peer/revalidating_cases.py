"""`revalidate_*.expected.json`: decision lists of one version of a model, replayed on the next.

    {"from": "shop_1", "to": "shop_2",
     "cases": [{"decisions": [{"option": "A", "value": true}],
                "outcome": "conflict", "min_choices_to_give_up": 1}]}

`unchanged`: the decisions can hold, and with them every option of both versions can be what it
could be before, and what is new can stay out. `completed`: they can hold, but something else
follows. `conflict`: they can not; an option that was selected and is gone counts as one to give up,
one that was deselected and is gone is kept to by itself. What a list says of the newer version
besides (`digest`, `selectable`, `configurations`, `gone`, …) is checked as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.configurator.domain.solving.repairing import minimum_repairs
from services.configurator.domain.solving.space import FALSE, TRUE, Masks
from tests.peer.configurator_cases import Checked, holds, vector
from tests.peer.engines import Peer, name_of
from tests.peer.reading import Case, CaseFault, one_of

FROM = ("from", "from_model", "model_from", "old", "old_model", "before")
TO = ("to", "to_model", "model_to", "new", "new_model", "after")
BOTH = ("models", "versions")
CASES = ("cases", "lists", "decision_lists", "replays", "revalidations", "quotes", "sessions")
DECISIONS = ("decisions", "choices", "clicks")
OUTCOME = ("outcome", "verdict", "result", "expected")
REPAIR = (
    "min_choices_to_give_up", "minimum_repair", "min_repair", "repair_size", "give_up", "repair",
)  # fmt: skip
GONE = ("gone", "removed", "removed_options", "missing", "unknown")
ADDED = ("added_options", "added")
WORDS = {
    "unchanged": "unchanged", "valid": "unchanged", "same": "unchanged", "ok": "unchanged",
    "completed": "completed", "complete": "completed", "changed": "completed",
    "conflict": "conflict", "invalid": "conflict", "inconsistent": "conflict",
}  # fmt: skip
VECTOR = ("digest", "selectable", "forced_in", "forced_out", "open")


@dataclass(frozen=True, slots=True)
class Replayed:
    """What becomes of a decision list; `gone` names what the newer version does not know."""

    outcome: str
    give_up: int
    gone: tuple[str, ...]


def model_names(case: Case) -> tuple[str, str]:
    """Return the names of the earlier and the newer model.   Raises: CaseFault."""
    pair = next((case[each] for each in BOTH if isinstance(case.get(each), list)), None)
    if pair is not None and len(pair) == 2:
        return _name(pair[0]), _name(pair[1])
    earlier = one_of(case, FROM, "the earlier model")
    return _name(earlier), _name(one_of(case, TO, "the newer model"))


def revalidate_checks(case: Case, earlier: Peer, newer: Peer) -> Checked:
    """Yield what is expected of each decision list, and whether ours is the same."""
    old, new = set(earlier.names), set(newer.names)
    for names, ours in ((("removed_options", "removed"), old - new), (ADDED, new - old)):
        listed = next((case[each] for each in names if each in case), None)
        if isinstance(listed, list):
            yield f"the {names[0]}", set(map(_option, listed)) == ours
        elif isinstance(listed, int):
            yield f"the number of {names[0]}: {len(ours)}, not {listed}", len(ours) == listed
    lists = one_of(case, CASES, "the decision lists")
    if not isinstance(lists, list) or not lists:
        raise CaseFault("the decision lists were expected as a list of objects")
    for number, each in enumerate(lists):
        if not isinstance(each, dict):
            raise CaseFault(f"list {number}: an object was expected")
        yield from _list_checks(f"list {number}", each, earlier, newer)


def _list_checks(name: str, case: Case, earlier: Peer, newer: Peer) -> Checked:
    decisions = one_of(case, DECISIONS, f"the decisions of {name}")
    if not isinstance(decisions, list) or not all(isinstance(each, dict) for each in decisions):
        raise CaseFault(f"{name}: decisions were expected as a list of objects")
    said = one_of(case, OUTCOME, f"the outcome of {name}")
    told: Mapping[str, Any] = {**case, **said} if isinstance(said, dict) else case
    word = str(told.get("outcome", told.get("verdict"))) if isinstance(said, dict) else str(said)
    if word not in WORDS:
        raise CaseFault(f"{name}: the outcome is '{word}'; {', '.join(WORDS)} were expected")
    found = replayed(decisions, earlier, newer)
    yield f"{name}: {found.outcome}, not {word}", found.outcome == WORDS[word]
    expected = next((told[each] for each in REPAIR if each in told), None)
    if expected is not None:
        size = len(expected) if isinstance(expected, list) else expected
        yield f"{name}, the minimum repair: {found.give_up}, not {size}", found.give_up == size
    gone = next((told[each] for each in GONE if isinstance(told.get(each), list)), None)
    if gone is not None:
        yield f"{name}, what is gone", set(found.gone) == set(map(_option, gone))
    if found.outcome != "conflict" and any(each in told for each in VECTOR):
        kept = [each for each in decisions if newer.knows(each)]
        yield from vector(name, dict(told), newer, kept, both=False)


def replayed(decisions: Sequence[Case], earlier: Peer, newer: Peer) -> Replayed:
    """Return what becomes of a decision list of the earlier model in the newer one."""
    before = earlier.possible(decisions)
    if before is None:
        raise CaseFault("the decisions contradict each other in the earlier model already")
    gone = [each for each in decisions if not newer.knows(each)]
    names = tuple(name_of(each) for each in gone)
    kept = [each for each in decisions if newer.knows(each)]
    lost = sum(earlier.literal(each) > 0 for each in gone)
    after = newer.possible(kept)
    if after is None or lost:
        repairs = minimum_repairs(newer.solver, {}, newer.wishes(kept))
        if not repairs:
            raise CaseFault("the newer model has no configuration at all")
        return Replayed("conflict", lost + len(repairs[0]), names)
    same = _follows_the_same(earlier, before, newer, after) and _stays_out(earlier, newer, kept)
    return Replayed("unchanged" if same else "completed", 0, names)


def _follows_the_same(earlier: Peer, before: Masks, newer: Peer, after: Masks) -> bool:
    """Say whether options of both versions can be what they could, and no other was forced in."""
    was = dict(zip(earlier.names, before, strict=True))
    now = dict(zip(newer.names, after, strict=True))
    return all(
        now.get(name, FALSE) == mask if name in now else mask != TRUE for name, mask in was.items()
    )


def _stays_out(earlier: Peer, newer: Peer, kept: Sequence[Case]) -> bool:
    """Say whether what only the newer version has can all stay deselected."""
    old = set(earlier.names)
    added = {place: FALSE for place, name in enumerate(newer.names) if name not in old}
    return holds(newer, added, newer.wishes(kept))


def _name(given: Any) -> str:
    if isinstance(given, dict):
        given = one_of(given, ("model", "name", "id"), "the name of a model")
    return str(given)


def _option(given: Any) -> str:
    return name_of(given) if isinstance(given, dict) else str(given)
