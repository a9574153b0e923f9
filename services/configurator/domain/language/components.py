"""Components flattened: what stands once in the model, said of every instance that can be there.

Instance 2 of the component `radio` has the attributes `radio_2_<attribute>`; `radio` itself is a
whole number, how many there are. Instances are used in order, so the second is there if the number
is 2 or more. Everything behind (space, solver, explanations, pages) knows flat attributes only.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.configurator.domain.language.model import (
    Attribute,
    AttributeOfComponent,
    ChoiceAttribute,
    ChoiceOfComponent,
    Component,
    FlagAttribute,
    Group,
    IntegerAttribute,
    IntegerOfComponent,
    MultiAttribute,
    MultiOfComponent,
    ProductModel,
    Rule,
)

DEPTH_MAX = 3
INSTANCES_MAX = 64
ATTRIBUTES_MAX = 300

# Between the id of a rule and the instance that a copy of it speaks of.
OF = "@"
# The same for the rule that the model itself makes: an instance is there as a whole or not.
OF_COUNT = "@#"


@dataclass(frozen=True, slots=True)
class Copies:
    """What attributes of components are: by id, how each stands in the model as written.

    `origins`: the component (`radio.antenna`) and the attribute in it; `owners`: the instance
    (`radio_2`); `counts`: those that say how many instances there are; `maybe`: those of instances
    that may be not there.
    """

    origins: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    counts: frozenset[str] = frozenset()
    maybe: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Instance:
    """One copy of a component: `prefix` before the ids of its attributes, and its name in words.

    `count` is the id of the number that says whether it is there; `sure`: it always is.
    """

    component: Component
    number: int
    path: str
    prefix: str
    label: str
    count: str
    around: "Instance | None"
    sure: bool

    def below(self) -> Iterator["Instance"]:
        """Yield the instances of its own components, in order."""
        for component in self.component.components:
            yield from _instances(component, self)

    def attribute(self, name: str) -> str:
        """Return the flat id of an attribute, or of the number of a component, of its own."""
        return f"{self.prefix}_{name}"


def tops(model: ProductModel) -> Iterator[Instance]:
    """Yield the instances that stand in the product itself."""
    for component in model.components:
        yield from _instances(component, None)


def every(instances: Iterable[Instance]) -> Iterator[Instance]:
    """Yield the instances and all below them, each before those that it holds."""
    for each in instances:
        yield each
        yield from every(each.below())


def _instances(component: Component, around: Instance | None) -> Iterator[Instance]:
    path = f"{around.path}.{component.id}" if around else component.id
    name = around.attribute(component.id) if around else component.id
    least, most = component.count
    for number in range(1, most + 1):
        label = f"{component.label} {number}"
        yield Instance(
            component=component,
            number=number,
            path=path,
            prefix=f"{name}_{number}",
            label=f"{around.label}, {label}" if around else label,
            count=name,
            around=around,
            sure=number <= least and (around is None or around.sure),
        )


def everywhere(
    components: Sequence[Component], around: str = ""
) -> Iterator[tuple[str, Component]]:
    """Yield every component of a model as written, with its path (`radio.antenna`)."""
    for each in components:
        yield f"{around}{each.id}", each
        yield from everywhere(each.components, f"{around}{each.id}.")


def rules_of(model: ProductModel) -> list[Rule]:
    """Return the rules as written, those of components after the model's own."""
    return [
        *model.rules,
        *(rule for _, each in everywhere(model.components) for rule in each.rules),
    ]


def keyed(rule: str, instance: Instance) -> str:
    """Return the key of a rule's copy for one instance; its words are those of `key_id`."""
    return f"{rule}{OF}{instance.prefix}"


def key_id(key: str) -> str:
    """Return the id of the rule that a key stands for.

    >>> key_id("R-1@radio_2"), key_id("R-1")
    ('R-1', 'R-1')
    """
    return key.partition(OF)[0]


def keyed_count(instance: Instance) -> str:
    """Return the key of "an instance is there only if the number is high enough"."""
    return f"{count_rule(instance.component)}{OF_COUNT}{instance.prefix}"


def is_count(key: str) -> bool:
    """Say whether a key is that of a rule that the model itself makes of a number."""
    return OF_COUNT in key


def count_rule(component: Component) -> str:
    """Return the id under which a conflict names "there are not so many".

    >>> count_rule(Component(id="psu", label="Supply", help="Power.", count=(1, 2)))
    'PSU-COUNT'
    """
    return f"{component.id.upper().replace('_', '-')}-COUNT"


def numbers(components: Sequence[Component]) -> list[IntegerAttribute]:
    """Return the numbers that say how many there are of each component."""
    return [_number(each, None, each.group or "") for each in components]


def beyond(copies: Copies, numbers: Mapping[str, int]) -> frozenset[str]:
    """Return the attributes of instances that are not there where these are the numbers."""
    gone: set[str] = set()
    for name, owner in copies.owners.items():
        count, _, number = owner.rpartition("_")
        if count in gone or numbers.get(count, int(number)) < int(number):
            gone.add(name)
    return frozenset(gone)


# ---- the flat model


def flat(model: ProductModel) -> tuple[ProductModel, Copies]:
    """Return the model with a question for every number and every instance, and what they are.

    Rules, budgets and parts lists stay as written. A model without components stays itself.
    """
    if not model.components:
        return model, Copies()
    attributes: list[Attribute] = []
    origins: dict[str, tuple[str, str]] = {}
    owners: dict[str, str] = {}
    counts: set[str] = set()
    maybe: set[str] = set()
    for component in model.components:
        attributes.append(_number(component, None, component.group or ""))
        for each in every(_instances(component, None)):
            asked = [_copy(attribute, each) for attribute in each.component.attributes]
            numbers = [_number(below, each, each.prefix) for below in each.component.components]
            own = [*each.component.attributes, *each.component.components]
            attributes += [*asked, *numbers]
            counts |= {number.id for number in numbers}
            origins |= {each.attribute(piece.id): (each.path, piece.id) for piece in own}
            owners |= {each.attribute(piece.id): each.prefix for piece in own}
            maybe |= set() if each.sure else {each.attribute(piece.id) for piece in own}
    counts |= {each.id for each in model.components}
    whole = model.model_copy(
        update={
            "attributes": (*model.attributes, *attributes),
            "groups": tuple(_groups(model)),
            "components": (),
        }
    )
    return whole, Copies(origins, owners, frozenset(counts), frozenset(maybe))


def _groups(model: ProductModel) -> Iterator[Group]:
    """Yield the steps, after each one for every instance of the components that it asks for."""
    for group in model.groups:
        yield group
        for top in tops(model):
            if top.component.group == group.id:
                for each in every([top]):
                    help_ = each.component.help
                    yield Group.model_construct(id=each.prefix, label=each.label, help=help_)


def _number(component: Component, around: Instance | None, group: str) -> IntegerAttribute:
    words = component.question or f"{component.label}: how many"
    return IntegerAttribute.model_construct(
        id=around.attribute(component.id) if around else component.id,
        group=group,
        label=f"{around.label}: {words}" if around else words,
        help=component.help,
        kind="integer",
        range=component.count,
        default=component.default,
    )


def _copy(attribute: AttributeOfComponent, instance: Instance) -> Attribute:
    fields = {name: getattr(attribute, name) for name in type(attribute).model_fields}
    fields |= {
        "id": instance.attribute(attribute.id),
        "group": instance.prefix,
        "label": f"{instance.label}: {attribute.label}",
    }
    match attribute:
        case ChoiceOfComponent():
            return ChoiceAttribute.model_construct(**fields)
        case MultiOfComponent():
            return MultiAttribute.model_construct(**fields)
        case IntegerOfComponent():
            return IntegerAttribute.model_construct(**fields)
        case _:
            return FlagAttribute.model_construct(**fields)
