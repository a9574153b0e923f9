"""Questions as a person meets them: step by step, each with where it stands and why.

Nothing is judged here: the verdicts are those of `options`, the ways out those of `mending`.
Within a step, questions that somebody must answer stand before those that have a default. Where a
question stands never depends on the answers, so nothing moves below the hands of who answers.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from contracts.configuration import Answer, Decision
from services.configurator.domain.answers.mending import Mend
from services.configurator.domain.answers.states import AttributeState, OptionsAnswer, OptionState
from services.configurator.domain.language.model import (
    Attribute,
    ChoiceAttribute,
    IntegerAttribute,
    MultiAttribute,
)
from services.configurator.domain.products.product import Product
from services.configurator.domain.products.wording import answer_words

# A question with so many options gets a field to search them.
LONG = 8

State = Literal["clash", "open", "answered", "fixed", "proposed"]
# What to give up for an impossible option: of a question, by the attributes that bar it.
Mending = Callable[[str, Answer, tuple[str, ...]], tuple[Mend, ...]]


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a question; `instead` are the questions whose answers stand in its way.

    `mends`: the smallest changes after which it can be chosen; `kept`: why it can not be left out.
    For numbers that share a reason, `label` names all of them and `value` is the one nearest to
    those that are possible.
    """

    value: str
    label: str
    help: str
    chosen: bool
    selectable: bool
    reason: str
    instead: tuple[tuple[str, str], ...]
    mends: tuple[Mend, ...] = ()
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One question: how it stands, its answer in words, what can be answered, and why so.

    `folded`: its options are not listed. `given` is the answer as texts (None: not answered), and
    `texts` are the labels of all options, listed or not, for whoever searches.
    """

    id: str
    kind: str
    label: str
    help: str
    state: State
    words: str
    choices: tuple[Choice, ...] = ()
    value: str = ""
    unit: str = ""
    span: tuple[int, int] = (0, 0)
    possible: str = ""
    folded: bool = False
    given: tuple[str, ...] | None = None
    texts: tuple[str, ...] = ()

    @property
    def is_long(self) -> bool:
        """Whether the options are so many that one searches them."""
        return self.kind != "integer" and len(self.choices) >= LONG

    @property
    def why(self) -> tuple[str, ...]:
        """Why the question has only one answer: what stands in the way of the others, each once."""
        return tuple(dict.fromkeys(each.reason for each in self.choices if each.reason))


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the model with its questions; `open` counts those that somebody must answer."""

    id: str
    label: str
    help: str
    cards: tuple[Card, ...]

    @property
    def open(self) -> int:
        """How many questions of this step wait for an answer."""
        return sum(each.state == "open" for each in self.cards)


def steps(
    product: Product, judged: OptionsAnswer, decisions: Sequence[Decision], mend: Mending
) -> tuple[Step, ...]:
    """Return the questions of a product, step by step in the order of need, as judged.

    A step without questions is left out: its instance of a component is not there.
    """
    decided = {each.attribute: each.value for each in decisions}
    draw = _Drawing(product, judged, decided, mend)
    cards: dict[str, list[Card]] = {}
    for each in sorted(judged.attributes, key=draw.has_default):
        cards.setdefault(each.group, []).append(draw.card(each))
    return tuple(
        Step(group.id, group.label, group.help, tuple(cards[group.id]))
        for group in product.model.groups
        if group.id in cards
    )


def waiting(found: Sequence[Step]) -> Card | None:
    """Return the question to turn to next: the first that contradicts others, or waits."""
    cards = [card for step in found for card in step.cards]
    for state in ("clash", "open"):
        if first := next((each for each in cards if each.state == state), None):
            return first
    return None


class _Drawing:
    def __init__(
        self,
        product: Product,
        judged: OptionsAnswer,
        decided: Mapping[str, Answer | tuple[str, ...]],
        mend: Mending,
    ) -> None:
        self._attributes = product.space.attributes
        self._open = frozenset(judged.open_questions)
        self._decided = decided
        self._mend = mend
        clash = judged.contradiction.conflict if judged.contradiction else ()
        self._clash = frozenset(each.attribute for each in clash)

    def has_default(self, judged: AttributeState) -> bool:
        return self._attributes[judged.attribute].default is not None

    def card(self, judged: AttributeState) -> Card:
        attribute = self._attributes[judged.attribute]
        state = self._state(judged)
        given = self._decided.get(attribute.id)
        shown = judged.proposed if given is None else given
        words = "" if shown is None else answer_words(attribute, shown)
        whole = Card(
            id=attribute.id,
            kind=attribute.kind,
            label=attribute.label,
            help=attribute.help,
            state=state,
            words=_said(words),
            folded=not judged.options,
            given=None if given is None else _texts(given),
            texts=_labels(attribute),
        )
        if isinstance(attribute, IntegerAttribute):
            return self._number(whole, attribute, judged)
        helps = _helps(attribute)
        choices = tuple(self._choice(attribute.id, each, helps) for each in judged.options)
        return replace(whole, choices=choices)

    def _state(self, judged: AttributeState) -> State:
        if judged.attribute in self._clash:
            return "clash"
        if judged.answered:
            return "answered"
        if judged.attribute in self._open:
            return "open"
        return "fixed" if judged.forced else "proposed"

    def _choice(
        self, question: str, judged: OptionState, helps: Mapping[str, str | None]
    ) -> Choice:
        value = text_of(judged.option)
        return Choice(
            value=value,
            label=_said(judged.label),
            help=helps.get(value) or "",
            chosen=judged.chosen,
            selectable=judged.selectable,
            reason=judged.reason or "",
            instead=self._named(judged.conflicts_with),
            mends=self._mends(question, judged),
            kept=judged.kept or "",
        )

    def _mends(self, question: str, judged: OptionState) -> tuple[Mend, ...]:
        by = judged.conflicts_with
        return self._mend(question, judged.option, by) if by else ()

    def _number(self, card: Card, attribute: IntegerAttribute, judged: AttributeState) -> Card:
        """Return the card with the numbers that are possible, and why others are not."""
        held = [each for each in judged.options if each.selectable]
        barred: dict[str, list[OptionState]] = {}
        for each in judged.options:
            if each.reason:
                barred.setdefault(each.reason, []).append(each)
        return replace(
            card,
            value="".join(card.given or ()),
            unit=attribute.unit,
            span=attribute.range,
            possible=runs(_numbers(held)),
            choices=tuple(
                self._barred(attribute.id, reason, each, _numbers(held))
                for reason, each in barred.items()
            ),
        )

    def _barred(
        self, question: str, reason: str, judged: Sequence[OptionState], held: Sequence[int]
    ) -> Choice:
        nearest = min(judged, key=lambda each: _distance(int(each.option), held))
        return Choice(
            value=str(nearest.option),
            label=runs(_numbers(judged)),
            help="",
            chosen=any(each.chosen for each in judged),
            selectable=False,
            reason=reason,
            instead=self._named(judged[0].conflicts_with),
            mends=self._mends(question, nearest),
        )

    def _named(self, attributes: Iterable[str]) -> tuple[tuple[str, str], ...]:
        return tuple((each, self._attributes[each].label) for each in attributes)


def runs(numbers: Sequence[int]) -> str:
    """Write numbers as a person says them.

    >>> runs([1, 2, 3, 4, 6]), runs([0]), runs([])
    ('1 to 4, 6', '0', 'none')
    """
    found: list[list[int]] = []
    for each in numbers:
        if found and each == found[-1][-1] + 1:
            found[-1].append(each)
        else:
            found.append([each])
    said = [f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in found]
    return ", ".join(said) or "none"


def _said(words: str) -> str:
    """Return our own words as they begin a line; those of the model stay as they are."""
    return words.capitalize() if words in {"yes", "no", "none"} else words


def _numbers(judged: Iterable[OptionState]) -> list[int]:
    return sorted(int(each.option) for each in judged)


def _distance(number: int, held: Sequence[int]) -> int:
    return min((abs(number - each) for each in held), default=0)


def _labels(attribute: Attribute) -> tuple[str, ...]:
    if isinstance(attribute, ChoiceAttribute | MultiAttribute):
        return tuple(each.label for each in attribute.options)
    return ()


def _texts(given: Answer | tuple[str, ...]) -> tuple[str, ...]:
    return given if isinstance(given, tuple) else (text_of(given),)


def _helps(attribute: Attribute) -> Mapping[str, str | None]:
    if isinstance(attribute, ChoiceAttribute | MultiAttribute):
        return {each.id: each.help for each in attribute.options}
    return {}


def text_of(value: Answer) -> str:
    """Return an answer as a form carries it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
