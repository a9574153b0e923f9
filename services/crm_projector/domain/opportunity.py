"""What we know of one opportunity: the fold of its own stream, and the rules' only memory."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from contracts.envelope import Fact
from contracts.opportunity import (
    OpportunityDetails,
    OpportunityDetailsChanged,
    OpportunityLost,
    OpportunityOpened,
    OpportunityRef,
    OpportunityReopened,
    OpportunityStageChanged,
    OpportunityWon,
)
from contracts.values import Instant, Value

CrmOutcome = Literal["open", "won", "lost"]


class OpportunityState(Value):
    """An opportunity as its CRM told it; nothing is known before it was opened.

    `heard_until` is the CRM's newest time among the facts; the other times are the CRM's where it
    gave them, else ours.
    """

    ref: OpportunityRef | None = None
    details: OpportunityDetails | None = None
    outcome: CrmOutcome = "open"
    lost_reason: str | None = None
    opened_at: Instant | None = None
    stage_since: Instant | None = None
    outcome_at: Instant | None = None
    heard_until: Instant | None = None


def evolve(state: OpportunityState, fact: Fact, recorded_at: datetime) -> OpportunityState:
    """Fold one fact of the opportunity's stream; other facts change nothing.

    Args: recorded_at: the envelope's time, used where the CRM gave no time of its own.
    """
    step = _STEPS.get(type(fact))
    if step is None:
        return state
    told_at: datetime | None = getattr(fact, "occurred_at", None)
    changes = step(state, fact, told_at or recorded_at)
    if told_at is not None and (state.heard_until is None or told_at > state.heard_until):
        changes["heard_until"] = told_at
    return state.but(changes)


def _opened(_: OpportunityState, fact: OpportunityOpened, at: datetime) -> dict[str, Any]:
    return {"ref": fact.opportunity, "details": fact.details, "opened_at": at, "stage_since": at}


def _details_changed(
    _: OpportunityState, fact: OpportunityDetailsChanged, at: datetime
) -> dict[str, Any]:
    del at
    return {"details": fact.details}


def _stage_changed(
    state: OpportunityState, fact: OpportunityStageChanged, at: datetime
) -> dict[str, Any]:
    return _moved(state, fact.to_stage, at)


def _won(_: OpportunityState, fact: OpportunityWon, at: datetime) -> dict[str, Any]:
    del fact
    return {"outcome": "won", "outcome_at": at, "lost_reason": None}


def _lost(_: OpportunityState, fact: OpportunityLost, at: datetime) -> dict[str, Any]:
    return {"outcome": "lost", "outcome_at": at, "lost_reason": fact.reason}


def _reopened(state: OpportunityState, fact: OpportunityReopened, at: datetime) -> dict[str, Any]:
    back = {"outcome": "open", "outcome_at": None, "lost_reason": None}
    return back | _moved(state, fact.stage, at)


def _moved(state: OpportunityState, stage: str, at: datetime) -> dict[str, Any]:
    if state.details is None:
        return {}
    return {"details": state.details.but({"stage": stage}), "stage_since": at}


_STEPS: dict[type[Fact], Callable[[OpportunityState, Any, datetime], dict[str, Any]]] = {
    OpportunityOpened: _opened,
    OpportunityDetailsChanged: _details_changed,
    OpportunityStageChanged: _stage_changed,
    OpportunityWon: _won,
    OpportunityLost: _lost,
    OpportunityReopened: _reopened,
}
