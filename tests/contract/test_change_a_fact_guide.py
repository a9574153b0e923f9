"""docs/howto/change-a-fact.md tells the truth: its example grows and changes as it says, and the checker agrees."""

import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from contracts import quote, values
from contracts.compat import problems, release
from contracts.envelope import Fact, Registry
from contracts.errors import Poison
from tests.contract.samples import BUILDERS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "howto" / "change-a-fact.md").read_text(encoding="utf-8")
BLOCKS = [
    re.sub(r"(?m)^ {3}", "", block) if block.startswith("   ") else block
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
]
OLD = {
    **{name: str(value) for name, value in BUILDERS[quote.QuoteViewed].items()},
    "revision": 1,
    "by": "phone",
    "days_left": 5,
    "at": "2026-03-02T09:00:00Z",
}


def run(*blocks: int) -> dict[str, Any]:
    """Run blocks of the guide as if they stood in contracts/quote.py."""
    names = {**vars(quote), **vars(values), "Field": Field, "date": date, "timedelta": timedelta}
    for each in blocks:
        exec(BLOCKS[each], names)  # noqa: S102, the guide's own lines
    return names


def reminded(*blocks: int) -> tuple[type[Fact], dict[Any, Any]]:
    names = run(*blocks)
    return names["QuoteReminded"], names["UPCASTERS"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example as it was released first."""
    release([reminded(0)[0]], tmp_path)
    return tmp_path


def test_the_optional_member_is_let_pass_and_read_by_both_releases(folder: Path) -> None:
    before, after = reminded(0)[0], reminded(1)[0]
    assert [each for each in problems([after], (), folder) if "breaks" in each] == []
    release([after], folder)
    assert problems([after], (), folder) == []

    new = json.dumps({**OLD, "language": "en"}).encode()
    assert Registry([before]).read("quotewright.QuoteReminded", 1, new) == before(**OLD)
    old = json.dumps(OLD).encode()
    read: Any = Registry([after]).read("quotewright.QuoteReminded", 1, old)
    assert read.language is None


def test_without_a_new_version_the_change_would_be_refused(folder: Path) -> None:
    changed = type("QuoteReminded", (reminded(2)[0],), {"VERSION": 1, "__annotations__": {}})

    told = "\n".join(problems([changed], (), folder))
    assert "at /days_left: removed" in told
    assert "at /ends_on: added and required: old facts lack it" in told


def test_the_new_version_reads_old_facts_by_its_upcaster(folder: Path) -> None:
    after, upcasters = reminded(2, 3)
    mine = {key: each for key, each in upcasters.items() if key[0] == after.wire_type()}
    release([after], folder)
    assert problems([after], mine, folder) == []

    read: Any = Registry([after], mine).read(after.wire_type(), 1, json.dumps(OLD).encode())
    assert (read.by, read.ends_on) == ("phone", date(2026, 3, 7))


def test_a_reader_of_the_release_before_asks_to_be_deployed() -> None:
    before = reminded(0)[0]

    with pytest.raises(Poison, match="version 2 is newer than 1; deploy this service"):
        Registry([before]).read("quotewright.QuoteReminded", 2, b"{}")


def test_every_file_and_command_that_the_guide_names_exists() -> None:
    named = re.findall(r"`((?:contracts|tests)/[\w/]+(?:\.py)?)`", TEXT)
    assert named
    assert [each for each in named if not (ROOT / each).exists()] == []
    modules = re.findall(r"python -m ([\w.]+)", TEXT)
    assert set(modules) == {
        "contracts.schema",
        "contracts.compat",
        "quotewright.asyncapi",
        "tests.contract.samples",
    }


def test_the_guide_is_short() -> None:
    assert len(TEXT.splitlines()) <= 120
