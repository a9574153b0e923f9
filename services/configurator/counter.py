"""Counts how many configurations remain; a model is compiled when it is first asked about.

The circuit is kept below a folder of this machine, under the pin of its model and the first day on
which its rules are these, so that the next process need not compile it again. Nothing depends on
the folder: what can not be read or does not fit is made anew. A model that did not compile is tried
again aside, a few times and ever later: the machine may have been busy with other things.
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from contracts.configuration import Decision
from infra.clock import wall_clock
from services.configurator.compiling import can_compile, circuit_text
from services.configurator.domain.answers.counting import (
    ENCODING,
    Remaining,
    about,
    assumptions,
    formula_of,
)
from services.configurator.domain.products.product import Product
from services.configurator.domain.solving.circuit import Circuit
from services.configurator.domain.solving.layout import CircuitFault
from services.configurator.domain.solving.literals import Literals
from services.configurator.domain.solving.nnf import read

# A pass over so many edges takes a page some milliseconds.
EDGES_AT_HAND = 10_000
# Somebody waits for the first count of a model.
SECONDS = 20.0
NO_COMPILER = "the compiler d4 is not installed here, and nothing else counts exactly"
TOO_LARGE = f"the model does not compile in {SECONDS:.0f} s"

TRIES_MAX = 3
# Between the first two tries of a model; ten times as long before the next.
REST = timedelta(minutes=10)

Compiler = Callable[[int, Sequence[Sequence[int]]], str | None]


@dataclass(frozen=True, slots=True)
class Counted:
    """What counts for one model, or why nothing does."""

    circuit: Circuit | None
    leaves_out: tuple[str, ...]
    not_counted: str | None = None


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a model was compiled in vain, or is just being, and the time of the last try."""

    count: int
    last: datetime

    def are_due(self, now: datetime) -> bool:
        """Say whether one more is worth it by now."""
        return self.count < TRIES_MAX and now - self.last >= REST * 10 ** (self.count - 1)


def by_d4(variables: int, clauses: Sequence[Sequence[int]]) -> str | None:
    """Compile within the time that somebody waits."""
    return circuit_text(variables, clauses, SECONDS)


class Counter:
    """Counts for all models of a process; may be asked by several threads."""

    def __init__(
        self,
        folder: Path,
        compiler: Compiler | None = None,
        clock: Callable[[], datetime] = wall_clock,
    ) -> None:
        """Keep circuits below the folder; `compiler` is d4, where it is installed."""
        self._folder = folder
        self._clock = clock
        self._compiler = compiler or (by_d4 if can_compile() else None)
        self._known: dict[str, Counted] = {}
        self._tries: dict[str, Tries] = {}
        self._lock = threading.Lock()

    def remaining(self, product: Product, decisions: Sequence[Decision]) -> Remaining:
        """Return how many configurations have what was decided, as far as clauses say it.

        The first time for a model takes seconds, later times milliseconds.
        """
        known = self._of(product)
        if known.not_counted == TOO_LARGE:
            self._tried_aside(product)
        return _counted(known, product, decisions)

    def at_hand(self, product: Product, decisions: Sequence[Decision]) -> Remaining | None:
        """Return what is counted within milliseconds; None, if it is not (yet) counted so fast.

        A model that was not compiled yet is compiled aside, for those who ask later.
        """
        known = self._known.get(_name(product))
        if known is None or known.not_counted == TOO_LARGE:
            self._tried_aside(product)
        if known is None or known.circuit is None or known.circuit.size > EDGES_AT_HAND:
            return None
        return _counted(known, product, decisions)

    def _tried_aside(self, product: Product) -> None:
        """Compile in a thread of its own, if that was not tried yet or is worth another try."""
        tries = self._tries.get(_name(product))
        if tries is None or tries.are_due(self._clock()):
            self._note(product)
            told = (product, self._known.get(_name(product)))
            threading.Thread(target=self._compiled, args=told, daemon=True).start()

    def _of(self, product: Product) -> Counted:
        known = self._known.get(_name(product))
        if known is None and _name(product) not in self._tries:
            self._note(product)
        return known or self._compiled(product, None)

    def _note(self, product: Product) -> None:
        tries = self._tries.get(_name(product))
        self._tries[_name(product)] = Tries(tries.count + 1 if tries else 1, self._clock())

    def _compiled(self, product: Product, before: Counted | None) -> Counted:
        """Compile, one model at a time, unless more is known by now than `before`."""
        name = _name(product)
        with self._lock:
            known = self._known.get(name)
            if known is None or known is before:
                known = self._known[name] = self._made(product, self._folder / f"{name}.json")
        return known

    def _made(self, product: Product, path: Path) -> Counted:
        if self._compiler is None:
            return Counted(None, (), NO_COMPILER)
        kept = _kept(path)
        if kept is not None:
            return kept
        formula = formula_of(product)
        text = self._compiler(formula.variables, formula.clauses)
        if text is None:
            return Counted(None, formula.leaves_out, TOO_LARGE)
        content = {"variables": formula.variables, "leaves_out": formula.leaves_out}
        _keep(path, {"encoding": ENCODING, **content, "circuit": text})
        return Counted(read(text, formula.variables), formula.leaves_out)


def _name(product: Product) -> str:
    return f"{product.pin.sha256}-{product.days.first}"


def _counted(known: Counted, product: Product, decisions: Sequence[Decision]) -> Remaining:
    if known.circuit is None:
        return Remaining(
            count=None,
            words="not counted",
            leaves_out=known.leaves_out,
            not_counted=known.not_counted,
        )
    literals = Literals(product.space)
    found = known.circuit.count(assumptions(product, literals, decisions))
    return Remaining(
        count=str(found), words=about(found), leaves_out=known.leaves_out, not_counted=None
    )


def _kept(path: Path) -> Counted | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["encoding"] != ENCODING:
            return None
        circuit = read(kept["circuit"], int(kept["variables"]))
        return Counted(circuit, tuple(map(str, kept["leaves_out"])))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, CircuitFault):
        return None


def _keep(path: Path, content: dict[str, object]) -> None:
    """Write whole or not at all; a folder that can not be written costs the next process time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{threading.get_ident()}.new")
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(path)
    except OSError:
        return
