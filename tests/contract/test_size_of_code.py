"""Files of at most 300 lines, functions of at most 40; what is longer says why, and only as long as it is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("contracts", "infra", "services", "quotewright")
FILE_LINES = 300
FUNCTION_LINES = 40

# path, or path:function -> why it is longer
REASONS: dict[str, str] = {
    "contracts/quote.py": "the facts of one publisher stand in one file, in the order of a quote's life",
    "contracts/values.py": "the exact values lean on one another, and integrators read them as one page",
    "infra/memory.py": "the double keeps all promises of store and bus, and is no longer than they are",
    "infra/bus_kafka.py": "producing, claiming partitions and losing them share one client's state",
    "infra/recorder.py": "the extension points of the eventsourcing library, all of them",
    "infra/log.py:configure": "a list of settings of one library, in the order it wants them",
    "services/documents/domain/offer.py:page_of": "one flat page, field by field, as the template names them",
    "services/documents/domain/specimen.py:specimen_of": "one example offer, field by field",
}


def own_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function without the functions inside it: each counts for itself."""
    lines = set(range(function.lineno, (function.end_lineno or function.lineno) + 1))
    if len(lines) <= FUNCTION_LINES:
        return len(lines)
    for inner in ast.walk(function):
        if inner is not function and isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([inner.lineno, *(each.lineno for each in inner.decorator_list)])
            lines -= set(range(first, (inner.end_lineno or inner.lineno) + 1))
    return len(lines)


def too_long(path: str, text: str) -> Iterator[str]:
    """Name the file and each of its functions that pass the limit."""
    if len(text.splitlines()) > FILE_LINES:
        yield path
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and own_lines(node) > FUNCTION_LINES
        ):
            yield f"{path}:{node.name}"


def found() -> set[str]:
    """Name all that is too long in the packages."""
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    assert len(files) > 50
    return {
        name
        for file in files
        for name in too_long(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))
    }


def test_what_is_long_has_a_reason_and_a_reason_is_still_needed() -> None:
    assert found() == set(REASONS)


@pytest.mark.parametrize("name", REASONS)
def test_a_reason_is_a_sentence(name: str) -> None:
    assert len(REASONS[name].split()) >= 6


def test_a_planted_long_file_and_function_are_seen() -> None:
    body = "    x = 1\n"
    nested = "def outer():\n    def inner():\n" + "        y = 2\n" * 38 + body * 3

    assert list(too_long("a.py", "x = 1\n" * 301)) == ["a.py"]
    assert list(too_long("a.py", "x = 1\n" * 300)) == []
    assert list(too_long("a.py", "def f():\n" + body * 40)) == ["a.py:f"]
    assert list(too_long("a.py", "async def f():\n" + body * 39)) == []
    assert list(too_long("a.py", nested)) == []
