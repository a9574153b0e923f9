"""`*.dimacs`: options by name in the comments (`c 1 name`), and clauses over their numbers."""

from dataclasses import dataclass
from pathlib import Path

from tests.peer.reading import CaseFault, lines_of

VARIABLES_MAX = 1_000_000


@dataclass(frozen=True)
class Clauses:
    """The options of a model by name, and clauses over their numbers, from 1.

    Variables beyond the options, up to `top`, follow from them. An empty clause never holds.
    """

    names: tuple[str, ...]
    clauses: tuple[tuple[int, ...], ...]
    top: int = 0

    @property
    def variables(self) -> int:
        """Return the number of all variables."""
        return max(self.top, len(self.names))


def read_dimacs(path: Path) -> Clauses:
    """Read a DIMACS file whose comments name its variables.   Raises: CaseFault."""
    names: dict[int, str] = {}
    clauses: list[tuple[int, ...]] = []
    open_: list[int] = []
    count = -1
    for number, line in lines_of(path):
        words = line.split(None, 2)
        try:
            if not words or words[0] == "%":
                continue
            if words[0] == "c":
                if len(words) == 3 and words[1].rstrip("$").isdigit():
                    names[int(words[1].rstrip("$"))] = line.split(" ", 2)[2]
            elif words[0] == "p":
                count = int(line.split()[2])
            else:
                for each in map(int, line.split()):
                    open_.append(each)
                    if not each:
                        clauses.append(tuple(open_[:-1]))
                        open_ = []
                    elif abs(each) > count:
                        raise ValueError(f"variable {abs(each)} of {max(count, 0)}")
        except (ValueError, IndexError) as fault:
            raise CaseFault(f"line {number}: '{line[:60]}' is no line of DIMACS: {fault}") from None
    if not 0 < count <= VARIABLES_MAX or open_:
        raise CaseFault(
            f"a line 'p cnf variables clauses' was expected, with 1 to {VARIABLES_MAX} variables,"
            " and every clause closed by 0"
        )
    known = tuple(names.get(each, str(each)) for each in range(1, count + 1))
    if len(set(known)) < count:
        raise CaseFault("two variables have the same name")
    return Clauses(known, tuple(clauses))
