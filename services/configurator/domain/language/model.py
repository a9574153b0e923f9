"""The language of product models: what a YAML file may say.

Structure only; `linting` checks the sense.

A model is data: attributes with finite domains, named rules, budgets, derived parameters and the
mapping from options to parts. Expressions are strings in the grammar of `expression`.
"""

from typing import Annotated, Literal
from unicodedata import category

from pydantic import AfterValidator, Field
from pydantic.json_schema import SkipJsonSchema

from contracts.configuration import Answer
from contracts.values import Day, ExactDecimal, Value

INTEGER_VALUES_MAX = 100
TABLE_COLUMNS_MAX, TABLE_ROWS_MAX, CELL_LENGTH_MAX = 40, 10_000, 1_000
COUNT_MAX = 20
LEAD_DAYS_MAX = 3_650

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
RuleId = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9-]{1,39}$")]
Owner = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]

HIDDEN = {"Cc", "Cf", "Cs", "Co"}
# Line breaks of folded YAML, the soft hyphen, and the joiners that some scripts are written with.
KEPT = "\n\u00ad\u200c\u200d"


def _readable(text: str) -> str:
    """Refuse what turns the direction of a page's words round, or steers a terminal."""
    if hidden := next((each for each in text if category(each) in HIDDEN and each not in KEPT), ""):
        raise ValueError(f"holds the hidden character U+{ord(hidden):04X}; remove it")
    return text


Words = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_readable)]
Whole = Annotated[int, Field(strict=True)]
Expression = Annotated[str, Field(min_length=1, max_length=2000)]
TableFile = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+){0,4}\.csv$", max_length=200)
]
Cell = Annotated[str, Field(max_length=CELL_LENGTH_MAX)]


class Group(Value):
    """A step of the questions."""

    id: Id
    label: Words
    help: Words


class Option(Value):
    """One possible answer and what it carries, each measure in the unit that the model declares.

    `absent` marks an answer that means "nothing of the kind"; it is not printed in an offer.
    """

    id: Id
    label: Words
    help: Words | None = None
    measures: dict[Id, ExactDecimal] = Field(default_factory=dict)
    absent: bool = False


class Asked(Value):
    """What all questions have: an id, a label and a help text."""

    id: Id
    label: Words
    help: Words


class Question(Value):
    """What all attributes have: a place, a label and a help text."""

    id: Id
    group: Id
    label: Words
    help: Words


class OfChoice(Value):
    """Exactly one option; options stand in the order of preference, the default goes first."""

    kind: Literal["choice"]
    options: tuple[Option, ...] = Field(min_length=1, max_length=200)
    default: Id | None = None


class OfMulti(Value):
    """Any set of options; by default those named and, as far as rules allow, no others."""

    kind: Literal["multi"]
    options: tuple[Option, ...] = Field(min_length=1, max_length=200)
    default: tuple[Id, ...] | None = None


class OfInteger(Value):
    """A whole number from the first to the last, both included."""

    kind: Literal["integer"]
    range: tuple[Whole, Whole]
    unit: str = ""
    default: Whole | None = None


class OfFlag(Value):
    """Yes or no."""

    kind: Literal["flag"]
    default: bool | None = None


class ChoiceAttribute(OfChoice, Question):
    """Exactly one option; options stand in the order of preference, the default goes first."""


class MultiAttribute(OfMulti, Question):
    """Any set of options; by default those named and, as far as rules allow, no others."""


class IntegerAttribute(OfInteger, Question):
    """A whole number from the first to the last, both included."""


class FlagAttribute(OfFlag, Question):
    """Yes or no."""


Attribute = Annotated[
    ChoiceAttribute | MultiAttribute | IntegerAttribute | FlagAttribute, Field(discriminator="kind")
]


class ChoiceOfComponent(OfChoice, Asked):
    """A choice that every instance of a component has of its own."""


class MultiOfComponent(OfMulti, Asked):
    """A multi-choice that every instance of a component has of its own."""


class IntegerOfComponent(OfInteger, Asked):
    """A whole number that every instance of a component has of its own."""


class FlagOfComponent(OfFlag, Asked):
    """A yes or no that every instance of a component has of its own."""


AttributeOfComponent = Annotated[
    ChoiceOfComponent | MultiOfComponent | IntegerOfComponent | FlagOfComponent,
    Field(discriminator="kind"),
]


class Requirement(Value):
    """What configurations must meet, in its author's words; on some days only, if it says so.

    A day is that of the ask, in UTC. The first and the last are included; one that is not given
    sets no end on its side.
    """

    id: RuleId
    owner: Owner
    message: Words
    valid_from: Day | None = None
    valid_until: Day | None = None


class Rule(Requirement):
    """A named condition that every configuration meets, with its owner and its words."""

    rule: Expression


class Table(Requirement):
    """A named list of what goes together: every configuration meets at least one of its rows.

    `file` is a CSV file below the folder of the model. `columns` and `rows` are what stands in it,
    and no part of the YAML: whoever reads the model puts them here.
    """

    file: TableFile
    columns: SkipJsonSchema[tuple[Cell, ...]] = Field(default=(), max_length=TABLE_COLUMNS_MAX)
    rows: SkipJsonSchema[tuple[tuple[Cell, ...], ...]] = Field(
        default=(), max_length=TABLE_ROWS_MAX
    )


class Budget(Requirement):
    """A resource: consumption plus its margin stays within the capacity, both in one unit."""

    label: Words
    consumption: Expression
    capacity: Expression
    margin_percent: Whole = Field(ge=0, le=100)


class ParameterDefinition(Value):
    """A derived parameter; printed if `when` holds, rounded half up to `digits` places."""

    id: Id
    label: Words
    group: Words
    expression: Expression
    unit: str = ""
    digits: Whole = Field(default=0, ge=0, le=6)
    when: Expression | None = None


class PartMapping(Value):
    """A part and its quantity for `attribute.option`, or for a flag or a number alone."""

    option: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$", max_length=120)]
    sku: Annotated[str, Field(min_length=1, max_length=100)]
    quantity: Expression


class Component(Asked):
    """A piece that the product has several times, each instance with answers of its own.

    `group` is the step in which the number is asked, of sub-assemblies that of the instance around;
    `question` are its words, `default` the number proposed. In rules and quantities of a component
    its attributes are plain names.
    """

    group: Id | None = None
    count: tuple[
        Annotated[Whole, Field(ge=0, le=COUNT_MAX)], Annotated[Whole, Field(ge=1, le=COUNT_MAX)]
    ]
    default: Whole | None = None
    question: Words | None = None
    attributes: tuple[AttributeOfComponent, ...] = Field(default=(), max_length=100)
    rules: tuple[Rule, ...] = Field(default=(), max_length=200)
    bill_of_materials: tuple[PartMapping, ...] = Field(default=(), max_length=500)
    components: tuple["Component", ...] = Field(default=(), max_length=20)


class Example(Value):
    """Answers whose outcome the author knows: they can all hold, or contradict by this rule.

    The lint of a release tries every one, on its day if it has one, else on all days (on which the
    rule binds); no answer to a seller depends on them.
    """

    id: RuleId
    answers: dict[Id, Answer | tuple[Id, ...]] = Field(min_length=1, max_length=300)
    conflicts: RuleId | None = None
    day: Day | None = None


class ProductModel(Value):
    """One version of a product: immutable once published, effective from a day on."""

    id: Id
    version: Whole = Field(ge=1, le=1_000_000)
    effective: Day
    name: Words
    description: Words
    quantity_max: Whole = Field(ge=1, le=1_000_000)
    measures: dict[Id, str]
    groups: tuple[Group, ...] = Field(min_length=1, max_length=50)
    attributes: tuple[Attribute, ...] = Field(min_length=1, max_length=300)
    components: tuple[Component, ...] = Field(default=(), max_length=20)
    parameters: tuple[ParameterDefinition, ...] = Field(default=(), max_length=200)
    rules: tuple[Rule, ...] = Field(default=(), max_length=1000)
    tables: tuple[Table, ...] = Field(default=(), max_length=100)
    budgets: tuple[Budget, ...] = Field(default=(), max_length=50)
    bill_of_materials: tuple[PartMapping, ...] = Field(default=(), max_length=2000)
    examples: tuple[Example, ...] = Field(default=(), max_length=500)


class Part(Value):
    """What the configurator needs of an entry of the part master.

    `lead_days` until it can leave our works, if it is known. As a price it is of the day: no pin
    holds it, and no answer that becomes a fact depends on it.
    """

    sku: Annotated[str, Field(min_length=1, max_length=100)]
    name: Words
    kind: Literal["hardware", "software", "service"]
    lead_days: Whole | None = Field(default=None, ge=0, le=LEAD_DAYS_MAX)
