"""Compiling clauses to a circuit by d4: a tool for when a model is published, not needed to run.

d4 comes from the Centre de Recherche en Informatique de Lens. It runs in a process of its own, so
that a model that does not compile costs bounded time and memory, and no service.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from services.configurator.domain.solving.circuit import Circuit
from services.configurator.domain.solving.nnf import read

SECONDS = 120
# It sets aside 4 GiB of addresses before it begins.
BYTES = 8 << 30
# What it tells of itself begins with "c", a comment of a circuit.
_RUN = """
import json, resource, sys, py_d4
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
variables, clauses = json.load(sys.stdin)
print(py_d4.Solver(clauses, variables).compile().getNNFString(), flush=True)
"""


def can_compile() -> bool:
    """Say whether the compiler is installed here."""
    return find_spec("py_d4") is not None


def compiled(
    variables: int, clauses: Sequence[Sequence[int]], seconds: float = SECONDS
) -> Circuit | None:
    """Return the circuit of the clauses; None, if there is no compiler or it takes too much."""
    text = circuit_text(variables, clauses, seconds)
    return None if text is None else read(text, variables)


def circuit_text(
    variables: int, clauses: Sequence[Sequence[int]], seconds: float = SECONDS
) -> str | None:
    """Return the circuit as d4 writes it; None, if there is no compiler or it takes too much."""
    if not can_compile():
        return None
    try:
        done = subprocess.run(  # noqa: S603, our own words to our own Python
            [sys.executable, "-c", _RUN, str(BYTES)],
            input=json.dumps([variables, clauses]),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=True,
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        return None
    return done.stdout
