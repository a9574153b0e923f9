"""Facts and values of the configurator: what was asked for, what is valid, why something is not."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.envelope import Fact
from contracts.values import ExactDecimal, Pin, Quantity, Value

# A flag, the name of an option, a whole number, or an exact decimal in the unit that the model
# declares.
Answer = bool | int | str


class Decision(Value):
    """One answer of a configuration and who gave it.

    `user`: a person answered; `requirement`: it came with the opportunity; `default`: the model
    proposes it; `rule`: nothing else was possible.
    """

    attribute: str = Field(min_length=1, max_length=100)
    value: Answer | tuple[str, ...]
    source: Literal["user", "requirement", "default", "rule"]


class RequestedItem(Value):
    """One product that somebody wants: the model, how many, and the answers known so far."""

    item_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")
    product: str = Field(min_length=1, max_length=100)
    quantity: Quantity
    decisions: tuple[Decision, ...] = ()
    label: str | None = Field(default=None, max_length=200)


class Parameter(Value):
    """A derived technical parameter, as it stands in the specification."""

    name: str
    label: str
    value: Answer | ExactDecimal
    unit: str | None = None
    group: str = "Technical data"


class BomLine(Value):
    """One engineering part and how many of it one configured item needs."""

    sku: str = Field(min_length=1, max_length=100)
    name: str
    quantity: Quantity
    option: str
    kind: Literal["hardware", "software", "service"] = "hardware"


class ChosenOption(Value):
    """One answered question in words, as a customer reads it."""

    attribute: str
    label: str
    value: str
    group: str


class ConfiguredItem(Value):
    """A valid configuration of one item: everything that pricing and the specification need."""

    item_id: str
    product: str
    name: str
    quantity: Quantity
    model: Pin
    decisions: tuple[Decision, ...]
    options: tuple[ChosenOption, ...]
    parameters: tuple[Parameter, ...]
    bill_of_materials: tuple[BomLine, ...]


class RuleRef(Value):
    """A rule of the product model, by id, in the words of its author."""

    id: str
    message: str


class Repair(Value):
    """A smallest change that makes the configuration valid: give these answers up."""

    drop: tuple[str, ...]
    message: str


class RejectedItem(Value):
    """Why one item has no valid configuration.

    A minimal conflict and repairs, or the open questions.
    """

    item_id: str
    product: str
    code: str
    message: str
    field: str | None = None
    conflict: tuple[Decision, ...] = ()
    rules: tuple[RuleRef, ...] = ()
    repairs: tuple[Repair, ...] = ()
    open_questions: tuple[str, ...] = ()


class ConfigurationValidated(Fact):
    """Every item of the ask has a valid, complete configuration. `answers` is the id of the ask."""

    quote_id: UUID
    revision: int
    answers: str
    items: tuple[ConfiguredItem, ...]


class ConfigurationRejected(Fact):
    """At least one item can not be configured as asked."""

    quote_id: UUID
    revision: int
    answers: str
    items: tuple[RejectedItem, ...]
