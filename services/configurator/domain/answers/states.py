"""How everything stands after some decisions: every option, question and parameter."""

from contracts.configuration import Answer, Decision, Repair, RuleRef
from contracts.values import Pin, Value


class OptionState(Value):
    """One option: can it be chosen, is it, and if impossible, why and against which decisions.

    `deselectable`: some valid configuration is without it; if none is, it is forced. Of a
    multi-choice `kept` says then why; elsewhere the reasons against the other answers do.
    """

    option: Answer
    label: str
    selectable: bool
    chosen: bool
    deselectable: bool
    reason: str | None
    kept: str | None
    rules: tuple[RuleRef, ...]
    conflicts_with: tuple[str, ...]


class AttributeState(Value):
    """One question; `forced`: the decisions leave one answer; `proposed`: where defaults lead."""

    attribute: str
    label: str
    group: str
    kind: str
    answered: bool
    forced: bool
    proposed: Answer | tuple[str, ...] | None
    options: tuple[OptionState, ...]


class ParameterState(Value):
    """A derived parameter as far as it is known: no value below `low` or above `high` is possible.

    These are bounds: an end itself need not be possible before the parameter is `settled`.
    """

    name: str
    label: str
    group: str
    unit: str | None
    low: Answer
    high: Answer
    settled: bool


class Contradiction(Value):
    """Why the decisions can not all hold, and the smallest changes that mend it."""

    message: str
    conflict: tuple[Decision, ...]
    rules: tuple[RuleRef, ...]
    repairs: tuple[Repair, ...]


class OptionsAnswer(Value):
    """The whole state after some decisions; `exact` because every verdict is by complete search."""

    model: Pin
    exact: bool
    valid: bool
    complete: bool
    attributes: tuple[AttributeState, ...]
    parameters: tuple[ParameterState, ...]
    open_questions: tuple[str, ...]
    contradiction: Contradiction | None
