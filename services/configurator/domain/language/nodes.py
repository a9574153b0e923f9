"""The nodes of an expression, counted and walked."""

from collections.abc import Iterator, Mapping

from services.configurator.domain.language.expression import Binary, Call, Member, Name, Node, Unary

# What a parameter is made of is computed again wherever it is used, and inner expressions for every
# instance of a component: more than this is refused.
STEPS_MAX = 5_000


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it, from the top."""
    pending = [node]
    while pending:
        each = pending.pop()
        yield each
        pending.extend(reversed(_below(each)))


def _below(node: Node) -> tuple[Node, ...]:
    match node:
        case Call():
            return node.arguments
        case Unary():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Member():
            return (node.subject,)
    return ()


def steps(node: Node, parameters: Mapping[str, int]) -> int:
    """Return how many steps it takes to compute; a parameter takes those that it is made of."""
    return sum(parameters.get(each.id, 1) if isinstance(each, Name) else 1 for each in walk(node))
