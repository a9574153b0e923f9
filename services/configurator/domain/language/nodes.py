"""The nodes of an expression, counted and walked."""

from collections.abc import Iterator, Mapping

from services.configurator.domain.language.expression import Binary, Call, Member, Name, Node, Unary

# What a parameter is made of is computed again wherever it is used, and inner expressions for every
# instance of a component: more than this is refused.
STEPS_MAX = 5_000


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it, from the top."""
    yield node
    match node:
        case Call():
            below: tuple[Node, ...] = node.arguments
        case Unary():
            below = (node.operand,)
        case Binary():
            below = (node.left, node.right)
        case Member():
            below = (node.subject,)
        case _:
            below = ()
    for each in below:
        yield from walk(each)


def steps(node: Node, parameters: Mapping[str, int]) -> int:
    """Return how many steps it takes to compute; a parameter takes those that it is made of."""
    return sum(parameters.get(each.id, 1) if isinstance(each, Name) else 1 for each in walk(node))
