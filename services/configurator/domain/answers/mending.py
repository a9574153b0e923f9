"""What to give up so that an impossible option can be chosen: the smallest changes, in words.

Where `reasons` explains one option whole, this is asked for every impossible option that a page
shows; the conflict that bars it is known by then.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from contracts.configuration import Answer, Decision
from services.configurator.domain.answers.explaining import repairs
from services.configurator.domain.language.model import MultiAttribute
from services.configurator.domain.products.product import Product
from services.configurator.domain.products.wording import decision_words


@dataclass(frozen=True, slots=True)
class Mend:
    """Attributes whose decisions are given up for an option, and these decisions in words."""

    drop: tuple[str, ...]
    words: str


def mends(
    product: Product,
    decisions: Sequence[Decision],
    name: str,
    option: Answer,
    known: Collection[str] = (),
) -> tuple[Mend, ...]:
    """Return up to three minimum changes after which the option is chosen and nothing contradicts.

    `decisions` are checked and binding; an option of a multi-choice is chosen beside those chosen
    there. `known` are the attributes of a conflict that bars it. None, if the rules alone do.
    Raises: SearchBound.
    """
    held = next((each.value for each in decisions if each.attribute == name), None)
    others = [each for each in decisions if each.attribute != name]
    value: Answer | tuple[str, ...] = option
    if isinstance(product.space.attributes[name], MultiAttribute):
        value = (*held, str(option)) if isinstance(held, tuple) else (str(option),)
    hard = product.space.of_answer(name, value)
    return tuple(
        Mend(
            tuple(each.attribute for each in drop),
            "; ".join(decision_words(product, each) for each in drop),
        )
        for drop in repairs(product, others, hard, known)
    )
