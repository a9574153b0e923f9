"""A small compiler to d-DNNF, slow and plain: what circuits are tested with."""

from collections.abc import Iterable

Clauses = list[list[int]]


def circuit_text(clauses: Clauses) -> str:
    """Return a circuit of the clauses in the words of d4; node 1 is its root."""
    return _Compiler().text(clauses)


class _Compiler:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.nodes = 0

    def text(self, clauses: Clauses) -> str:
        root = self._node("o")
        forced, rest = _propagated(clauses)
        if rest is not None:
            self._edge(root, self._below(rest), forced)
        return "\n".join(self.lines)

    def _below(self, clauses: Clauses) -> int:
        parts = _components(clauses)
        if not parts:
            return self._node("t")
        if len(parts) > 1:
            node = self._node("a")
            for each in parts:
                self._edge(node, self._below(each), [])
            return node
        node = self._node("o")
        variable = abs(clauses[0][0])
        for literal in (variable, -variable):
            forced, rest = _propagated([*clauses, [literal]])
            if rest is not None:
                self._edge(node, self._below(rest), forced)
        return node

    def _node(self, kind: str) -> int:
        self.nodes += 1
        self.lines.append(f"{kind} {self.nodes} 0")
        return self.nodes

    def _edge(self, source: int, target: int, literals: Iterable[int]) -> None:
        self.lines.append(" ".join(map(str, (source, target, *literals, 0))))


def _propagated(clauses: Clauses) -> tuple[list[int], Clauses | None]:
    """Return the literals that are forced and the clauses left; None, if they contradict."""
    forced: list[int] = []
    rest = clauses
    while True:
        unit = next((each[0] for each in rest if len(each) == 1), None)
        if unit is None:
            return forced, rest
        forced.append(unit)
        rest = [[each for each in clause if each != -unit] for clause in rest if unit not in clause]
        if [] in rest:
            return forced, None


def _components(clauses: Clauses) -> list[Clauses]:
    """Return the clauses in groups that share no variable."""
    groups: list[tuple[set[int], Clauses]] = []
    for clause in clauses:
        own = {abs(each) for each in clause}
        touched = [each for each in groups if each[0] & own]
        merged = (own.union(*(each[0] for each in touched)), [clause])
        for each in touched:
            merged[1].extend(each[1])
            groups.remove(each)
        groups.append(merged)
    return [each[1] for each in groups]
