"""Which questions of the guided page list their answers, and which ones a search passes over.

A page of hundreds of answers lists those of the questions that are looked at: the next ones that
wait for an answer, contradictions, mistakes, what a search found, and whatever its reader opened.
The others say their own answer in a line, and list the rest when they are opened.
"""

from collections.abc import Mapping, Sequence
from itertools import islice

from services.configurator.domain.answers.guiding import Card, Choice, Step
from services.configurator.domain.answers.options import Standing
from services.configurator.domain.language.model import Attribute, ChoiceAttribute, MultiAttribute
from services.configurator.domain.products.product import Product

# So many of the questions that wait for an answer, and of those that a search found, stand open.
OPEN_MAX = 8
FOUND_MAX = 8
# Whoever searches for more is no seller.
WANTED_MAX = 200


def bounded(form: Mapping[str, str]) -> dict[str, str]:
    """Return a form with no more words to look for than somebody types."""
    return {
        name: text[:WANTED_MAX] if name == "find" or name.startswith("s-") else text
        for name, text in form.items()
    }


def opened(
    product: Product, at: Standing, form: Mapping[str, str], wrong: Mapping[str, str]
) -> frozenset[str]:
    """Return the questions that list their answers now, and from now on until they are closed.

    `wrong` are the fields with mistakes.
    """
    clash = at.contradiction.conflict if at.contradiction else ()
    asked = (form.get(name, "").partition(" ")[0] for name in ("take", "more", "prices"))
    by_hand = (name[2:] for name, text in form.items() if name.startswith(("u-", "s-")) and text)
    found = {
        *at.found.open_questions[:OPEN_MAX],
        *(each.attribute for each in clash),
        *(name.removeprefix("a-") for name in wrong),
        *asked,
        *by_hand,
    }
    return frozenset(found & product.space.attributes.keys())


def searched(product: Product, wanted: str) -> frozenset[str]:
    """Return the first questions with an answer that is looked for; they list it meanwhile."""
    hits = (
        each.id
        for each in product.model.attributes
        if any(_holds(wanted, each.label, label) for label in _labels(each))
    )
    return frozenset(islice(hits, FOUND_MAX)) if wanted else frozenset()


def _labels(attribute: Attribute) -> list[str]:
    if isinstance(attribute, ChoiceAttribute | MultiAttribute):
        return [each.label for each in attribute.options]
    return []


def passed_over(found: Sequence[Step], wanted: str) -> frozenset[str]:
    """Return the questions that a search passes over; never one that waits for its answer."""
    return frozenset(
        card.id
        for step in found
        for card in step.cards
        if card.state not in {"open", "clash"} and not _holds(wanted, card.label, *card.texts)
    )


def matching(card: Card, wanted: str, found: str) -> list[Choice]:
    """Return the options to list: those that hold the words looked for in this question.

    Or, where some do, those that the search over all questions found here. What is chosen is never
    lost.
    """
    if wanted:
        return [
            each for each in card.choices if each.chosen or _holds(wanted, each.label, each.help)
        ]
    hits = [each for each in card.choices if _holds(found, card.label, each.label)]
    shown = [each for each in card.choices if each.chosen or each in hits]
    return shown if found and hits else list(card.choices)


def _holds(wanted: str, *texts: str) -> bool:
    whole = " ".join(texts).casefold()
    return all(word in whole for word in wanted.casefold().split())
