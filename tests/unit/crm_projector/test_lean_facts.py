"""Facts read leanly: the fold must not see a difference, and what it needs is checked as ever."""

import json

import pytest

from contracts.catalogue import FACTS, every_fact
from contracts.envelope import Fact, Registry, seal
from contracts.errors import Poison
from contracts.pricing import QuotePriced
from contracts.quote import DocumentRequested, RevisionPriced, RevisionSubmitted
from services.crm_projector.domain.deal import DealState, evolve
from services.crm_projector.lean import IDS, WANTED, LeanRegistry
from services.crm_projector.rows import rows_of
from tests.contract.samples import RELEASED
from tests.unit.crm_projector.walks import Log, Walk, eur

WHOLE, LEAN = every_fact(), LeanRegistry()
# Their second version only allows more charges.
WIDENED = {QuotePriced, RevisionPriced, RevisionSubmitted, DocumentRequested}


def folded(registry: Registry, log: Log) -> DealState | None:
    state = None
    for each in log.facts:
        value = seal(each.fact, each.meta).value
        state = evolve(state, registry.read(each.meta.type, each.meta.version, value), each.meta)
    return state


def sample(kind: type[Fact]) -> bytes:
    """Return the released sample of today's version of a fact."""
    path = RELEASED / f"{kind.wire_type()}.{kind.VERSION}.json"
    return path.read_bytes()


def body(log: Log, kind: type[Fact]) -> bytes:
    return next(seal(each.fact, each.meta).value for each in log.facts if type(each.fact) is kind)


@pytest.fixture
def log() -> Log:
    log = Log(sold_by={"segment": "public", "channel": "direct", "partner": "p-7"}).open()
    Walk(log, "Q-1", net=eur("80000")).to_presented("approvers").accept()
    Walk(log, "Q-2").to_presented()
    return log


def test_the_fold_of_lean_facts_is_that_of_whole_ones(log: Log) -> None:
    assert folded(LEAN, log) == folded(WHOLE, log)
    assert rows_of(folded(LEAN, log)) == rows_of(folded(WHOLE, log))


def test_a_log_of_the_first_versions_is_read_as_leanly_and_folds_the_same(log: Log) -> None:
    """A body of a version that only allowed more takes no detour through upcasters."""
    state = None
    for each in log.facts:
        value, version = seal(each.fact, each.meta).value, each.meta.version
        wanted = WANTED.get(type(each.fact))
        if type(each.fact) in WIDENED:
            version = 1
        lean = LEAN.read(each.meta.type, version, value)
        assert lean == LEAN.read(each.meta.type, each.meta.version, value)
        assert wanted is None or "answers" in wanted or "answers" not in lean.__dict__
        state = evolve(state, lean, each.meta)
    assert {type(each.fact) for each in log.facts} >= WIDENED
    assert state == folded(WHOLE, log)


@pytest.mark.parametrize("kind", FACTS, ids=lambda each: each.__name__)
def test_the_members_of_a_lean_fact_are_those_of_the_whole_one(kind: type[Fact]) -> None:
    value = sample(kind)
    whole, lean = (each.read(kind.wire_type(), kind.VERSION, value) for each in (WHOLE, LEAN))
    assert type(lean) is kind
    assert lean.subject() == whole.subject()
    wanted = WANTED.get(kind)
    if wanted is None:
        assert lean == whole
        return
    assert set(lean.__dict__) == set(wanted) | {each for each in IDS if each in kind.model_fields}
    for name in lean.__dict__:
        if not wanted.get(name):
            assert getattr(lean, name) == getattr(whole, name)


def test_what_is_wanted_of_a_fact_is_checked_as_ever(log: Log) -> None:
    told = json.loads(body(log, RevisionPriced))
    told["offer"]["totals"]["net"] = {"amount": 0.1, "currency": "EUR"}
    with pytest.raises(Poison, match=r"offer\.totals\.net"):
        LEAN.read(RevisionPriced.wire_type(), 1, json.dumps(told).encode())


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b'{"deal_id":"x"}', b"\x00 not json"])
def test_a_body_without_its_ids_can_not_be_read(value: bytes) -> None:
    with pytest.raises(Poison):
        LEAN.read(DocumentRequested.wire_type(), 1, value)


def test_ids_are_read_in_any_order_and_form(log: Log) -> None:
    told = json.loads(body(log, DocumentRequested))
    lean = LEAN.read(DocumentRequested.wire_type(), 1, body(log, DocumentRequested))
    turned = json.dumps(dict(sorted(told.items())), indent=1).encode()
    assert LEAN.read(DocumentRequested.wire_type(), 1, turned) == lean
