"""Decisions at the door: each names a known attribute and an answer of it, or is refused.

Answers that the model itself gave earlier (source `default` or `rule`) are checked like all others
and do not bind: they are found anew, so an edited draft is not held back by yesterday's defaults.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contracts.configuration import Answer, Decision
from contracts.errors import Refused
from services.configurator.domain.language.model import (
    Attribute,
    ChoiceAttribute,
    FlagAttribute,
    IntegerAttribute,
    MultiAttribute,
)
from services.configurator.domain.language.naming import nearest
from services.configurator.domain.products.product import Product
from services.configurator.domain.solving.space import Domains

DECISIONS_MAX = 400
BINDING = frozenset({"user", "requirement"})


@dataclass(frozen=True, slots=True)
class InputProblem:
    """What is wrong with one input: a code, the field (the attribute), what to do."""

    code: str
    field: str
    message: str


class DecisionsRefused(Refused):
    """At least one decision can not be read against the model."""

    code = "configuration.input"
    title = "A decision does not fit the product"

    def __init__(self, problems: Sequence[InputProblem]) -> None:
        self.problems = tuple(problems)
        words = "; ".join(each.message for each in self.problems[:5])
        rest = len(self.problems) - 5
        super().__init__(
            f"{words}; and {rest} more" if rest > 0 else words,
            field=self.problems[0].field,
            reason=self.problems[0].code,
            problems=[{"code": p.code, "field": p.field, "message": p.message} for p in problems],
        )


def binding(product: Product, decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """Return the decisions that bind, one per attribute, in the order of the model.

    Raises: DecisionsRefused, with every problem found.
    """
    if len(decisions) > DECISIONS_MAX:
        raise DecisionsRefused(
            [_problem("too_many_decisions", "decisions", f"give at most {DECISIONS_MAX} decisions")]
        )
    problems: list[InputProblem] = []
    kept: dict[str, Decision] = {}
    for decision in decisions:
        problem = _check(product, decision)
        if problem:
            problems.append(problem)
        elif decision.source in BINDING:
            read = _ordered(product, decision)
            if kept.setdefault(read.attribute, read).value != read.value:
                problems.append(_twice(read, kept[read.attribute]))
    if problems:
        raise DecisionsRefused(problems)
    return tuple(kept[name] for name in product.space.attributes if name in kept)


def fits(product: Product, decision: Decision) -> bool:
    """Say whether the decision names a known attribute and an answer of it."""
    return _check(product, decision) is None


def unknown(product: Product, name: str) -> InputProblem:
    """Return the problem of a name that is no attribute of the product."""
    known = product.space.attributes
    message = f"{product.model.id} has no attribute '{name[:100]}'{nearest(name[:100], known)}"
    return _problem("unknown_attribute", name[:100], message)


def domains_of(product: Product, decisions: Iterable[Decision]) -> Domains:
    """Return what the decisions ask for together."""
    masks: dict[int, int] = {}
    for decision in decisions:
        masks |= product.space.of_answer(decision.attribute, decision.value)
    return masks


def _check(product: Product, decision: Decision) -> InputProblem | None:
    attribute = product.space.attributes.get(decision.attribute)
    if attribute is None:
        return unknown(product, decision.attribute)
    if isinstance(attribute, ChoiceAttribute | MultiAttribute):
        return _check_options(attribute, decision.value)
    if isinstance(attribute, IntegerAttribute):
        return _check_integer(attribute, decision.value)
    if not isinstance(decision.value, bool):
        return _wrong_kind(attribute, "true or false")
    return None


def _check_options(
    attribute: ChoiceAttribute | MultiAttribute, value: Answer | tuple[str, ...]
) -> InputProblem | None:
    multi = isinstance(attribute, MultiAttribute)
    if multi and not isinstance(value, tuple):
        return _wrong_kind(attribute, "a list of option ids")
    if not multi and not isinstance(value, str):
        return _wrong_kind(attribute, "the id of one option")
    known = [each.id for each in attribute.options]
    for each in value if isinstance(value, tuple) else (value,):
        if each not in known:
            shown = str(each)[:100]
            message = f"'{attribute.id}' has no option '{shown}'{nearest(shown, known)}"
            return _problem("unknown_option", attribute.id, message)
    return None


def _check_integer(
    attribute: IntegerAttribute, value: Answer | tuple[str, ...]
) -> InputProblem | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return _wrong_kind(attribute, "a whole number")
    low, high = attribute.range
    if low <= value <= high:
        return None
    unit = f" {attribute.unit}" if attribute.unit else ""
    shown = str(value) if abs(value) < 10**12 else "the number"
    message = f"'{attribute.id}' runs from {low} to {high}{unit}; {shown} lies outside"
    return _problem("out_of_range", attribute.id, message)


def _wrong_kind(attribute: Attribute | FlagAttribute, wanted: str) -> InputProblem:
    return _problem("wrong_kind", attribute.id, f"'{attribute.id}' takes {wanted}")


def _twice(decision: Decision, first: Decision) -> InputProblem:
    message = (
        f"'{decision.attribute}' is decided twice, {first.value!r} and {decision.value!r}; keep one"
    )
    return _problem("decided_twice", decision.attribute, message)


def _problem(code: str, field: str, message: str) -> InputProblem:
    return InputProblem(f"configuration.{code}", field, message)


def _ordered(product: Product, decision: Decision) -> Decision:
    """Return the decision with the options of a multi-choice in order, each once."""
    if not isinstance(decision.value, tuple):
        return decision
    chosen = set(decision.value)
    known = product.space.places[decision.attribute]
    options = [str(product.space.variables[place].option) for place in known]
    return decision.model_copy(update={"value": tuple(each for each in options if each in chosen)})
