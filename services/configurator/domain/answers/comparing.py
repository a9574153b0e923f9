"""Two configurations of a product side by side: answers, technical parameters, parts, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contracts.configuration import Decision
from contracts.errors import Refused
from contracts.values import Value
from services.configurator.domain.answers.completing import Completion, completion
from services.configurator.domain.answers.configuring import bill_of_materials, parameters_at
from services.configurator.domain.products.product import Product
from services.configurator.domain.products.wording import answer_words


class OtherProduct(Refused):
    """Two configurations of different products have nothing to compare."""

    code = "configuration.other_product"


class Difference(Value):
    """What differs: an attribute, a parameter or a SKU; None where that side does not have it."""

    id: str
    label: str
    left: str | None
    right: str | None
    words: str


class Comparison(Value):
    """What differs between two configurations; parts are compared where both are whole.

    `whole`: each of them is valid and has no open question.
    """

    product: str
    same: bool
    whole: tuple[bool, bool]
    answers: tuple[Difference, ...]
    parameters: tuple[Difference, ...]
    bill_of_materials: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class _Side:
    """One configuration by id: what a person calls it, and how it stands."""

    whole: bool
    answers: Mapping[str, tuple[str, str]]
    parameters: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    parts: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def compare(
    left: tuple[Product, Sequence[Decision]], right: tuple[Product, Sequence[Decision]]
) -> Comparison:
    """Compare two lists of (checked, binding) decisions, each on its version of one product.

    What nobody decided counts as it is proposed. Raises: OtherProduct, SearchBound.
    """
    names = [each[0].model.id for each in (left, right)]
    if names[0] != names[1]:
        raise OtherProduct(f"'{names[0]}' and '{names[1]}' are different products")
    one, other = _side(*left), _side(*right)
    both = one.whole and other.whole
    answers = _differences(one.answers, other.answers)
    parameters = _differences(one.parameters, other.parameters) if both else ()
    parts = _differences(one.parts, other.parts) if both else ()
    return Comparison(
        product=names[0],
        same=not (answers or parameters or parts),
        whole=(one.whole, other.whole),
        answers=answers,
        parameters=parameters,
        bill_of_materials=parts,
    )


def _side(product: Product, decisions: Sequence[Decision]) -> _Side:
    found = completion(product, decisions)
    answers = _answers(product, decisions, found)
    if found is None or found.open_questions:
        return _Side(False, answers)
    parameters = {
        each.name: (each.label, f"{each.value} {each.unit or ''}".rstrip())
        for each in parameters_at(product, found.point)
    }
    parts = {
        each.sku: (f"{each.name} ({each.sku})", f"{each.quantity}")
        for each in bill_of_materials(product, found.point)
    }
    return _Side(True, answers, parameters, parts)


def _answers(
    product: Product, decisions: Sequence[Decision], found: Completion | None
) -> dict[str, tuple[str, str]]:
    known = found.decisions if found else decisions
    still_open = found.open_questions if found else ()
    said = {each.attribute: each.value for each in known if each.attribute not in still_open}
    return {
        each.id: (
            each.label,
            answer_words(each, said[each.id]) if each.id in said else "not answered",
        )
        for each in product.model.attributes
    }


def _differences(
    left: Mapping[str, tuple[str, str]], right: Mapping[str, tuple[str, str]]
) -> tuple[Difference, ...]:
    names = [*left, *(each for each in right if each not in left)]
    return tuple(
        _difference(name, left.get(name), right.get(name))
        for name in names
        if left.get(name) != right.get(name)
    )


def _difference(
    name: str, left: tuple[str, str] | None, right: tuple[str, str] | None
) -> Difference:
    label = (right or left or (name, ""))[0]
    one, other = left and left[1], right and right[1]
    if other is None:
        words = f"{label}: {one}, in the first only"
    elif one is None:
        words = f"{label}: {other}, in the second only"
    else:
        words = f"{label}: {one} in the first, {other} in the second"
    return Difference(id=name, label=label, left=one, right=other, words=words)
