"""What can be answered next: every option, selectable or impossible with the reason.

An option is judged against the decisions on the OTHER attributes: changing one's mind about a
question is no conflict with oneself. For an answered multi-choice it is judged together with the
options chosen there.
"""

from collections.abc import Sequence

from contracts.configuration import Answer, Decision, Repair, RuleRef
from contracts.values import Pin, Value
from services.configurator.domain.completing import Completion, completion
from services.configurator.domain.configuring import repair_list
from services.configurator.domain.explaining import Conflict, conflict
from services.configurator.domain.model import (
    Attribute,
    ChoiceAttribute,
    MultiAttribute,
)
from services.configurator.domain.product import BoundParameter, Product
from services.configurator.domain.space import TRUE, Domains, Masks, Space, values_of
from services.configurator.domain.wording import (
    answer_words,
    contradiction_words,
    impossible_words,
    printed,
    rule_refs,
)


class OptionState(Value):
    """One option: can it be chosen, is it, and if impossible, why and against which decisions."""

    option: Answer
    label: str
    selectable: bool
    chosen: bool
    reason: str | None
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
    """A derived parameter as far as it is known: lowest and highest value still possible."""

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


def options(product: Product, decisions: Sequence[Decision]) -> OptionsAnswer:
    """Judge every option after the (checked, binding) decisions.

    Where the decisions contradict each other, options are judged after the first repair.
    Raises: SearchBound.
    """
    kept = list(decisions)
    contradiction = None
    found = completion(product, kept)
    if found is None:
        contradiction = _contradiction(product, decisions)
        dropped = contradiction.repairs[0].drop
        kept = [each for each in decisions if each.attribute not in dropped]
        found = completion(product, kept)
    if found is None:
        raise AssertionError("a repair mends")
    judge = _Judge(product, decisions, kept, found)
    return OptionsAnswer(
        model=product.pin,
        exact=True,
        valid=contradiction is None,
        complete=contradiction is None and not found.open_questions,
        attributes=tuple(judge.attribute(each) for each in product.model.attributes),
        parameters=_parameters(product, found.domains),
        open_questions=found.open_questions,
        contradiction=contradiction,
    )


class _Judge:
    """Judges options of one state: all decisions, those kept (consistent), and their completion."""

    def __init__(
        self,
        product: Product,
        decisions: Sequence[Decision],
        kept: Sequence[Decision],
        found: Completion,
    ) -> None:
        self._product = product
        self._found = found
        self._kept = kept
        self._decided = {each.attribute: each.value for each in decisions}
        self._held = {each.attribute: each.value for each in kept}
        self._proposed = {each.attribute: each.value for each in found.decisions}

    def attribute(self, attribute: Attribute) -> AttributeState:
        """Judge all options of one attribute."""
        answered = attribute.id in self._decided
        places = self._product.space.places[attribute.id]
        settled = all(self._found.domains[place].bit_count() == 1 for place in places)
        is_open = attribute.id in self._found.open_questions
        return AttributeState(
            attribute=attribute.id,
            label=attribute.label,
            group=attribute.group,
            kind=attribute.kind,
            answered=answered,
            forced=settled and not answered,
            proposed=None if answered or is_open else self._proposed[attribute.id],
            options=tuple(self._option(attribute, value) for value in values_of(attribute)),
        )

    def _option(self, attribute: Attribute, value: Answer) -> OptionState:
        clash = self._clash(attribute, value)
        return OptionState(
            option=value,
            label=_label(attribute, value),
            selectable=clash is None,
            chosen=_holds(self._decided.get(attribute.id), value),
            reason=impossible_words(self._product, clash.decisions, clash.rules) if clash else None,
            rules=rule_refs(self._product, clash.rules) if clash else (),
            conflicts_with=tuple(each.attribute for each in clash.decisions) if clash else (),
        )

    def _clash(self, attribute: Attribute, value: Answer) -> Conflict | None:
        """Return why the option can not be chosen; None, if it can."""
        hard = self._hard(attribute, value)
        if attribute.id not in self._held:
            if all(self._found.domains[place] & mask for place, mask in hard.items()):
                return None
        elif _holds(self._held[attribute.id], value):
            return None
        others = [each for each in self._kept if each.attribute != attribute.id]
        return conflict(self._product, others, hard)

    def _hard(self, attribute: Attribute, value: Answer) -> Domains:
        return chosen(self._product.space, attribute, value, self._held.get(attribute.id))


def chosen(
    space: Space, attribute: Attribute, value: Answer, held: Answer | tuple[str, ...] | None
) -> Domains:
    """Return the domains that say: this is chosen (and what else of a multi-choice is held)."""
    if not isinstance(attribute, MultiAttribute):
        return space.of_answer(attribute.id, value)
    if isinstance(held, tuple):
        return space.of_answer(attribute.id, (*held, str(value)))
    (place,) = (
        each for each in space.places[attribute.id] if space.variables[each].option == value
    )
    return {place: TRUE}


def _holds(decided: Answer | tuple[str, ...] | None, value: Answer) -> bool:
    if isinstance(decided, tuple):
        return value in decided
    return type(decided) is type(value) and decided == value


def _label(attribute: Attribute, value: Answer) -> str:
    if isinstance(attribute, ChoiceAttribute | MultiAttribute):
        return answer_words(attribute, (str(value),))
    return answer_words(attribute, value)


def _parameters(product: Product, domains: Masks) -> tuple[ParameterState, ...]:
    return tuple(
        _parameter(each, domains)
        for each in product.parameters
        if each.shown is None or each.shown.bounds(domains)[1] == 1
    )


def _parameter(bound: BoundParameter, domains: Masks) -> ParameterState:
    low, high = bound.value.bounds(domains)
    definition = bound.definition
    return ParameterState(
        name=definition.id,
        label=definition.label,
        group=definition.group,
        unit=definition.unit or None,
        low=printed(low, definition.digits),
        high=printed(high, definition.digits),
        settled=low == high,
    )


def _contradiction(product: Product, decisions: Sequence[Decision]) -> Contradiction:
    clash = conflict(product, decisions)
    if clash is None:
        raise AssertionError("a contradiction has a conflict")
    return Contradiction(
        message=contradiction_words(product, clash.decisions, clash.rules),
        conflict=clash.decisions,
        rules=rule_refs(product, clash.rules),
        repairs=repair_list(product, decisions),
    )
