"""What can be answered next: every option, selectable or impossible with the reason.

An option is judged against the decisions on the OTHER attributes: changing one's mind about a
question is no conflict with oneself. For an answered multi-choice it is judged together with the
options chosen there.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from contracts.configuration import Answer, Decision
from services.configurator.domain.answers.completing import Completion, completion
from services.configurator.domain.answers.configuring import repair_list
from services.configurator.domain.answers.explaining import Conflict, conflict
from services.configurator.domain.answers.states import (
    AttributeState,
    Contradiction,
    OptionsAnswer,
    OptionState,
    ParameterState,
)
from services.configurator.domain.language.model import (
    Attribute,
    ChoiceAttribute,
    MultiAttribute,
)
from services.configurator.domain.products.product import BoundParameter, Product
from services.configurator.domain.products.wording import (
    answer_words,
    contradiction_words,
    impossible_words,
    kept_words,
    printed,
    rule_refs,
)
from services.configurator.domain.solving.space import FALSE, TRUE, Domains, Masks, Space, values_of


@dataclass(frozen=True, slots=True)
class Standing:
    """Where decisions lead: those kept (all, or without the first repair), and their completion."""

    decisions: tuple[Decision, ...]
    kept: tuple[Decision, ...]
    found: Completion
    contradiction: Contradiction | None


def options(product: Product, decisions: Sequence[Decision]) -> OptionsAnswer:
    """Judge every option after the (checked, binding) decisions.

    Where the decisions contradict each other, options are judged after the first repair.
    Raises: SearchBound.
    """
    return judged(product, standing(product, decisions))


def standing(product: Product, decisions: Sequence[Decision]) -> Standing:
    """Return where the (checked, binding) decisions lead.   Raises: SearchBound."""
    kept = tuple(decisions)
    contradiction = None
    found = completion(product, kept)
    if found is None:
        contradiction = _contradiction(product, decisions)
        dropped = contradiction.repairs[0].drop
        kept = tuple(each for each in decisions if each.attribute not in dropped)
        found = completion(product, kept)
    if found is None:
        raise AssertionError("a repair mends")
    return Standing(tuple(decisions), kept, found, contradiction)


def judged(product: Product, at: Standing, shown: Collection[str] | None = None) -> OptionsAnswer:
    """Judge the options of the attributes `shown`, by default of all; others have none listed.

    Raises: SearchBound.
    """
    judge = _Judge(product, at)
    return OptionsAnswer(
        model=product.pin,
        exact=True,
        valid=at.contradiction is None,
        complete=at.contradiction is None and not at.found.open_questions,
        attributes=tuple(
            judge.attribute(each, listed=shown is None or each.id in shown)
            for each in judge.asked()
        ),
        parameters=_parameters(product, at.found.domains),
        open_questions=at.found.open_questions,
        contradiction=at.contradiction,
    )


class _Judge:
    """Judges options of one state: all decisions, those kept (consistent), and their completion."""

    def __init__(self, product: Product, at: Standing) -> None:
        self._product = product
        self._found = at.found
        self._kept = at.kept
        self._decided = {each.attribute: each.value for each in at.decisions}
        self._held = {each.attribute: each.value for each in at.kept}
        self._proposed = {each.attribute: each.value for each in at.found.decisions}

    def asked(self) -> Iterator[Attribute]:
        """Yield the attributes but those of instances that are not there, unless decided."""
        for each in self._product.model.attributes:
            if each.id in self._decided or self._product.space.is_there(each.id, self._found.point):
                yield each

    def attribute(self, attribute: Attribute, *, listed: bool) -> AttributeState:
        """Judge one attribute, and all its options if they are to be listed."""
        answered = attribute.id in self._decided
        settled = self._product.space.is_settled(attribute.id, self._found.domains)
        is_open = attribute.id in self._found.open_questions
        return AttributeState(
            attribute=attribute.id,
            label=attribute.label,
            group=attribute.group,
            kind=attribute.kind,
            answered=answered,
            forced=settled and not answered,
            proposed=None if answered or is_open else self._proposed[attribute.id],
            options=self._options(attribute) if listed else (),
        )

    def _options(self, attribute: Attribute) -> tuple[OptionState, ...]:
        values = values_of(attribute)
        clashes = [self._clash(attribute, value) for value in values]
        if isinstance(attribute, MultiAttribute):
            holds = [self._held_fast(attribute, str(value)) for value in values]
        else:
            # An answer of its own can be left exactly if there is another.
            free = [clash is None for clash in clashes]
            holds = [each and sum(free) == 1 for each in free]
        return tuple(map(self._option, [attribute] * len(values), values, clashes, holds))

    def _option(
        self, attribute: Attribute, value: Answer, clash: Conflict | None, fast: Conflict | bool
    ) -> OptionState:
        return OptionState(
            option=value,
            label=_label(attribute, value),
            selectable=clash is None,
            chosen=_holds(self._decided.get(attribute.id), value),
            deselectable=not fast,
            reason=impossible_words(self._product, clash.decisions, clash.rules) if clash else None,
            kept=kept_words(self._product, fast.decisions, fast.rules)
            if isinstance(fast, Conflict)
            else None,
            rules=rule_refs(self._product, clash.rules) if clash else (),
            conflicts_with=tuple(each.attribute for each in clash.decisions) if clash else (),
        )

    def _held_fast(self, attribute: MultiAttribute, option: str) -> Conflict | bool:
        """Return why a member of a multi-choice can not be left out; False, if it can.

        In an answered one it is judged together with the other options chosen there.
        """
        space = self._product.space
        held = self._held.get(attribute.id)
        if isinstance(held, tuple):
            if option not in held:
                return False
            hard = space.of_answer(attribute.id, tuple(each for each in held if each != option))
        else:
            (place,) = chosen(space, attribute, option, None)
            if self._found.domains[place] != TRUE:
                return False
            hard = {place: FALSE}
        if self._product.solver.admits(self._found.point, hard):
            return False
        others = [each for each in self._kept if each.attribute != attribute.id]
        return conflict(self._product, others, hard) or False

    def _clash(self, attribute: Attribute, value: Answer) -> Conflict | None:
        """Return why the option can not be chosen; None, if it can."""
        hard = self._hard(attribute, value)
        if attribute.id not in self._held:
            if all(self._found.domains[place] & mask for place, mask in hard.items()):
                return None
        elif _holds(self._held[attribute.id], value):
            return None
        elif self._product.solver.admits(self._found.point, hard):
            return None  # one valid configuration that has it is proof enough
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
