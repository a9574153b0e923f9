"""Circuits as text, in the form that the compiler d4 writes."""

from collections.abc import Mapping, Sequence

from services.configurator.domain.solving.circuit import Circuit
from services.configurator.domain.solving.layout import AND, OR, CircuitFault, Edge


def read(text: str, variables: int) -> Circuit:
    """Return the circuit of a text as the compiler d4 writes it.

    Lines are `o n 0` (or), `a n 0` (and), `t n 0` (true), `f n 0` (false), `n m literals 0` (an
    edge), or a comment. Raises: CircuitFault, with the number of the line.
    """
    kinds: dict[int, int] = {}
    edges: list[Edge] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0] == "c":
            continue
        try:
            if words[0] in _KINDS:
                kinds[int(words[1])] = _KINDS[words[0]]
            else:
                source, target, *literals = [int(each) for each in words]
                edges.append(_edge(source, target, literals, kinds, variables))
        except (ValueError, IndexError) as fault:
            raise CircuitFault(f"line {number}: {fault}") from None
    return Circuit(variables, kinds, edges)


_KINDS = {"o": OR, "a": AND, "t": AND, "f": OR}


def _edge(
    source: int, target: int, literals: Sequence[int], kinds: Mapping[int, int], variables: int
) -> Edge:
    if not literals or literals[-1] != 0:
        raise ValueError("an edge ends with 0")
    if source not in kinds or target not in kinds:
        raise ValueError(f"an edge from {source} to {target}, one of which is not there yet")
    found = tuple(literals[:-1])
    if any(not 1 <= abs(each) <= variables for each in found):
        raise ValueError(f"a literal beyond the {variables} variables")
    return Edge(source, target, found)
