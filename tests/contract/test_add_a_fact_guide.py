"""docs/howto/add-a-fact.md tells the truth: its example is a fact, its files exist, its commands run."""

import json
import re
from pathlib import Path

from jsonschema import Draft202012Validator

from contracts import quote, schema, values
from contracts.envelope import Registry
from tests.contract.samples import BUILDERS

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "howto" / "add-a-fact.md"
TEXT = GUIDE.read_text(encoding="utf-8")


def test_the_example_of_the_guide_is_a_fact_that_is_sent_read_and_described() -> None:
    example = re.search(r"```python\n(   class QuoteReminded.*?)```", TEXT, re.DOTALL)
    assert example
    names = {**vars(quote), **vars(values), "__name__": "contracts.quote"}
    exec("if True:\n" + example.group(1), names)  # noqa: S102, the guide's own lines
    reminded = names["QuoteReminded"]
    fact = reminded(**BUILDERS[quote.QuoteViewed])
    body = fact.model_dump_json().encode()

    assert Registry([reminded]).read("quotewright.QuoteReminded", 1, body) == fact
    Draft202012Validator(schema.schema_of(reminded)).validate(json.loads(body))


def test_every_file_that_the_guide_names_exists() -> None:
    named = re.findall(r"`((?:contracts|tests)/[\w/]+(?:\.py|/INDEX)?)[/`]", TEXT)

    assert len(named) >= 8
    assert [each for each in named if not (ROOT / each).exists()] == []


def test_the_commands_of_the_guide_name_modules_that_can_be_run() -> None:
    modules = re.findall(r"python -m ([\w.]+)", TEXT)

    assert modules == [
        "contracts.schema",
        "tests.contract.samples",
        "contracts.compat",
        "quotewright.asyncapi",
    ]
    for each in modules:
        text = (ROOT / f"{each.replace('.', '/')}.py").read_text(encoding="utf-8")
        assert 'if __name__ == "__main__":' in text


def test_the_guide_is_short() -> None:
    assert len(TEXT.splitlines()) <= 80
