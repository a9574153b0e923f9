"""Configuration sessions: what entries come to, what may be appended, and laws of both."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.configuration import Decision
from services.configurator.domain.answers.comparing import OtherProduct, compare
from services.configurator.domain.answers.hashing import decisions_hash, proved
from services.configurator.domain.products.decisions import DecisionsRefused, binding
from services.configurator.domain.sessions import session_steps as deciding
from services.configurator.domain.sessions.moving import newer
from services.configurator.domain.sessions.session import Change, Entry, Head, Place, evolve, fold
from services.configurator.domain.sessions.session_steps import (
    DecidedAndTakenBack,
    NothingToUndo,
    SessionClosed,
    SessionFull,
    Signed,
    merged,
)
from tests.unit.configurator.small import a_rule, decided, published

ID = UUID(int=9)
HEAD = Head(
    session_id=ID,
    owner="user/u-1",
    product="pump_skid",
    name=None,
    place=Place(),
    copied_from=None,
    begun_at=datetime(2026, 3, 1, tzinfo=UTC),
)
RULES = [
    a_rule("pump = high implies motor = big", 1, "A high pump needs a big motor."),
    a_rule("outdoor implies extras has valve", 2, "Outdoors it needs a valve."),
    a_rule("stages = 3 implies pump != low", 3, "Three stages need more than a low pump."),
]


@cache
def pump(version=1):
    rules = (
        RULES
        if version == 1
        else [
            *RULES,
            a_rule(
                "motor = medium implies pump = mid", 4, "A medium motor drives a mid pump only."
            ),
        ]
    )
    return published(rules=rules, version=version)


def signed(number, by="user/u-1"):
    at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=number)
    return Signed(by, at, f"c-{number}")


class Desk:
    """A session that grows by commands, as the service appends to it; each may be refused."""

    def __init__(self, *decisions):
        self.session = fold(HEAD, [deciding.begin(pump(), decisions, signed(1))])

    def when(self, command, *told):
        entry = command(self.session, *told, signed(self.session.revision + 1))
        if entry is not None:
            self.session = evolve(self.session, entry)
        return self

    def decides(self, **answers):
        return self.when(deciding.decide, pump(), deciding.given(decided(**answers)))

    def takes_back(self, *names):
        changes = [Change(attribute=each, value=None) for each in names]
        return self.when(deciding.decide, pump(), changes)

    def then(self, **answers):
        stands = {each.attribute: each.value for each in self.session.decisions}
        assert stands == answers
        return self


class TestDeciding:
    """What stands after a list of entries."""

    def test_the_last_answer_to_a_question_stands(self):
        Desk().decides(pump="low", stages=2).decides(pump="mid").then(pump="mid", stages=2)

    def test_what_is_taken_back_is_open_again(self):
        Desk().decides(pump="low", stages=2).takes_back("stages").then(pump="low")

    def test_each_answer_says_who_gave_it_and_when(self):
        desk = Desk(*decided(source="requirement", pump="low")).decides(stages=2)
        (first, second) = desk.session.held
        assert (first.decision.source, first.by, first.revision) == ("requirement", "user/u-1", 1)
        assert (second.revision, second.at) == (2, signed(2).at)

    def test_the_same_answer_again_is_no_entry(self):
        desk = Desk().decides(pump="low").decides(pump="low").takes_back("motor")
        assert desk.session.revision == 2

    def test_true_is_not_one(self):
        assert Desk().decides(stages=1).decides(outdoor=True).session.revision == 3
        with pytest.raises(DecisionsRefused):
            Desk().decides(stages=True)

    def test_contradictions_may_stand_and_are_said_in_the_answer(self):
        desk = Desk().decides(pump="high", motor="small").then(pump="high", motor="small")
        found = proved(pump(), binding(pump(), desk.session.decisions))
        assert (found.valid, found.exact) == (False, True)

    def test_what_the_model_answered_itself_does_not_bind(self):
        Desk(*decided(source="default", pump="low"), *decided(source="rule", stages=1)).then()

    @pytest.mark.parametrize("wrong", [{"pump": "tall"}, {"colour": "red"}, {"stages": 9}])
    def test_what_does_not_fit_the_model_is_refused_whole(self, wrong):
        desk = Desk()
        with pytest.raises(DecisionsRefused):
            desk.decides(motor="big", **wrong)
        desk.then()

    def test_one_can_not_decide_and_take_back_at_once(self):
        changes = (*deciding.given(decided(pump="low")), Change(attribute="pump", value=None))
        with pytest.raises(DecidedAndTakenBack) as fault:
            Desk().when(deciding.decide, pump(), changes)
        assert fault.value.facts["field"] == "pump"

    def test_a_session_has_a_bounded_number_of_entries(self, monkeypatch):
        monkeypatch.setattr(deciding, "ENTRIES_MAX", 2)
        desk = Desk().decides(pump="low")
        for command in (partial(desk.decides, pump="mid"), partial(desk.when, deciding.undo)):
            with pytest.raises(SessionFull):
                command()
        assert desk.when(deciding.submit, "Q-1", "site").session.submitted.quote == "Q-1"


class TestUndoing:
    """Undone and done again, step by step."""

    def test_a_step_is_undone_whole_and_done_again(self):
        desk = Desk().decides(pump="low").decides(motor="big", stages=2)
        desk.when(deciding.undo).then(pump="low")
        desk.when(deciding.redo).then(pump="low", motor="big", stages=2)

    def test_what_it_began_with_is_not_undone(self):
        desk = Desk(*decided(pump="low"))
        with pytest.raises(NothingToUndo):
            desk.when(deciding.undo)

    def test_after_a_new_answer_nothing_can_be_done_again(self):
        desk = Desk().decides(pump="low").when(deciding.undo).decides(pump="mid")
        with pytest.raises(NothingToUndo):
            desk.when(deciding.redo)

    def test_an_answer_that_comes_back_is_still_the_first_persons(self):
        desk = Desk().decides(pump="low").decides(pump="mid").when(deciding.undo)
        (held,) = desk.session.held
        assert (held.decision.value, held.revision) == ("low", 2)


class TestEnding:
    """Where a session ends, and how it goes on with a newer model."""

    def test_what_was_submitted_never_changes(self):
        desk = Desk().decides(pump="low").when(deciding.submit, "Q-1", "site")
        for command in (
            partial(desk.decides, pump="mid"),
            partial(desk.when, deciding.undo),
            partial(desk.when, deciding.redo),
            partial(desk.when, deciding.move, pump(2), ()),
            partial(desk.when, deciding.submit, "Q-2", "site"),
        ):
            with pytest.raises(SessionClosed) as fault:
                command()
            assert fault.value.facts == {"quote": "Q-1", "item_id": "site"}

    def test_a_newer_version_says_what_becomes_of_the_decisions(self):
        medium = binding(pump(), decided(pump="low", motor="medium"))
        clash = newer(pump(), pump(2), pump().pin, medium)
        assert (clash.verdict, clash.model) == ("conflict", pump(2).pin)
        assert "A medium motor drives a mid pump only." in clash.message
        assert {each.drop for each in clash.repairs} == {("motor",), ("pump",)}
        fine = newer(pump(), pump(2), pump().pin, binding(pump(), decided(motor="big")))
        assert (fine.verdict, fine.message) == ("unchanged", "it stands as it is")

    def test_moving_gives_up_what_is_named_and_can_be_undone(self):
        desk = Desk().decides(motor="medium", stages=2)
        desk.when(deciding.move, pump(2), ["motor"]).then(stages=2)
        assert desk.session.model == pump(2).pin
        desk.when(deciding.undo).then(motor="medium", stages=2)
        assert desk.session.model == pump().pin

    def test_moving_to_where_it_stands_is_no_entry(self):
        assert Desk().when(deciding.move, pump(), ()).session.revision == 1


class TestMerging:
    """A whole form, drawn at some revision, against what stands by now."""

    def test_a_form_changes_what_differs_from_what_it_was_drawn_with(self):
        desk = Desk().decides(pump="low").decides(motor="big")
        changes = merged(
            desk.session, 2, decided(pump="mid", stages=2), ["pump", "motor", "stages"]
        )
        assert [(each.attribute, each.value) for each in changes] == [
            ("pump", "mid"),
            ("stages", 2),
        ]

    def test_an_answer_missing_from_the_form_is_taken_back_if_it_was_asked_for(self):
        desk = Desk().decides(pump="low", motor="big")
        (change,) = merged(desk.session, 2, (), ["pump"])
        assert (change.attribute, change.value) == ("pump", None)

    def test_a_requirement_stays_one_while_its_answer_is_the_same(self):
        desk = Desk(*decided(source="requirement", pump="low"))
        assert merged(desk.session, 1, decided(pump="low"), ["pump"]) == ()


class TestComparing:
    """Two configurations side by side."""

    def test_differences_are_said_in_words(self):
        one, other = decided(pump="high"), decided(pump="low", outdoor=True)
        found = compare((pump(), binding(pump(), one)), (pump(), binding(pump(), other)))
        assert found.whole == (True, True)
        assert [each.words for each in found.answers] == [
            "Pump: High in the first, Low in the second",
            "Motor: Big in the first, Small in the second",
            "Extras: none in the first, Valve in the second",
            "Outdoor: no in the first, yes in the second",
        ]

    def test_what_comes_to_the_same_does_not_differ(self):
        one, other = decided(pump="low"), decided(motor="small")
        assert compare((pump(), one), (pump(), other)).same

    def test_different_products_are_not_compared(self):
        with pytest.raises(OtherProduct):
            compare((pump(), ()), (published(id="other_skid"), ()))


# ---- laws

ANSWERS = {
    "pump": st.sampled_from(["low", "mid", "high"]),
    "motor": st.sampled_from(["small", "medium", "big"]),
    "extras": st.sets(st.sampled_from(["sensor", "valve"])).map(tuple),
    "stages": st.integers(0, 3),
    "outdoor": st.booleans(),
}
ANSWER = st.sampled_from(sorted(ANSWERS)).flatmap(
    lambda name: st.tuples(st.just(name), ANSWERS[name])
)
STEP = st.one_of(
    st.lists(ANSWER, min_size=1, max_size=3, unique_by=lambda each: each[0]).map(dict),
    st.sampled_from(sorted(ANSWERS)),
    st.sampled_from(["undo", "redo"]),
)


def follow(desk, step):
    """Take a step: answers, a question to take back, undo or redo where that can be."""
    if isinstance(step, dict):
        return desk.decides(**step)
    if step in ANSWERS:
        return desk.takes_back(step)
    can = desk.session.can_undo if step == "undo" else desk.session.can_redo
    return desk.when(getattr(deciding, step)) if can else desk


@settings(max_examples=20, deadline=None)
@given(
    st.fixed_dictionaries({}, optional=ANSWERS),
    st.lists(STEP, max_size=8),
    st.randoms(use_true_random=False),
)
def test_a_thousand_reordered_sessions_give_the_same_digest(wanted, clicks, chance):
    direct = proved(pump(), binding(pump(), decided(**wanted)))
    for _ in range(50):
        desk = Desk()
        for step in chance.sample(clicks, chance.randint(0, len(clicks))):  # whatever came before
            follow(desk, step)
        for name in chance.sample(sorted(ANSWERS), len(ANSWERS)):
            if name in wanted:
                desk.decides(**{name: wanted[name]})
            else:
                desk.takes_back(name)
        found = proved(pump(), binding(pump(), desk.session.decisions))
        assert found.decisions_hash == direct.decisions_hash
        assert found.model_dump_json() == direct.model_dump_json()


@settings(max_examples=100, deadline=None)
@given(st.lists(STEP, max_size=12))
def test_undoing_is_going_back_and_redoing_is_coming_again(steps):
    desk = Desk()
    for step in steps:
        before = desk.session
        follow(desk, step)
        if desk.session.revision == before.revision or not isinstance(step, dict):
            continue
        after = desk.session
        desk.when(deciding.undo)
        assert desk.session.held == before.held
        desk.when(deciding.redo)
        assert desk.session.held == after.held


@settings(max_examples=100, deadline=None)
@given(st.lists(STEP, max_size=12))
def test_entries_that_were_stored_fold_to_the_same_session(steps):
    desk = Desk()
    for step in steps:
        follow(desk, step)
    stored = [each.model_dump_json(exclude_defaults=True) for each in desk.session.entries]
    assert fold(HEAD, map(Entry.model_validate_json, stored)) == desk.session
    assert [each.revision for each in desk.session.entries] == [*range(1, len(stored) + 1)]


@given(st.permutations(decided(pump="high", extras=("valve", "sensor"), stages=2, outdoor=True)))
def test_the_hash_of_decisions_knows_no_order(decisions):
    assert decisions_hash(decisions) == decisions_hash(sorted(decisions, key=lambda d: d.attribute))


def test_the_hash_of_decisions_knows_values_and_sources():
    every = [
        decided(stages=1),
        decided(stages=2),
        decided(outdoor=True),
        decided(source="requirement", stages=1),
        (Decision(attribute="stages", value=True, source="user"),),
        (),
    ]
    assert len({decisions_hash(each) for each in every}) == len(every)


ELSEWHERE = """
import json, sys
from services.configurator.domain.products.decisions import binding
from services.configurator.domain.answers.hashing import proved
from tests.unit.configurator.small import decided
from tests.unit.configurator.test_configurator_session import pump
for answers in json.load(sys.stdin):
    print(proved(pump(), binding(pump(), decided(**answers))).model_dump_json())
"""


def test_other_processes_give_the_same_answers_byte_for_byte():
    every = [
        {"stages": stages, "pump": pump_, "outdoor": outdoor}
        for pump_ in ("low", "mid", "high")
        for stages in range(4)
        for outdoor in (False, True)
    ]
    here = [proved(pump(), binding(pump(), decided(**each))).model_dump_json() for each in every]
    for seed in ("0", "1", "4242"):
        backwards = [dict(reversed(each.items())) for each in reversed(every)]
        there = subprocess.run(
            [sys.executable, "-c", ELSEWHERE],
            input=json.dumps(backwards),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert there.stdout.splitlines()[::-1] == here
