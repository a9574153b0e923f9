"""A refused form of the pricer comes back as it was filled, with what is wrong beside its field."""

import re

import pytest

from services.pricer import what_ifs
from tests.integration.pricer_service import a_version, running
from tests.unit.pricer.test_pricer_shelf import a_catalogue
from tests.unit.pricer.test_pricer_shelf import a_version as a_file

FILLED = {
    "name": "Less for <radios>",
    "book": "bts/1",
    "changes": "",
    "compare_with": "bts/1",
    "first": "2026-10-01",
    "last": "2026-10-31",
    "day": "2026-11-01",
    "approvals": "on",
}


@pytest.fixture
def pricer(make_database, clock, tmp_path):
    catalogue = a_catalogue(tmp_path / "catalogue", a_file(1))
    with running(make_database, clock, tmp_path, catalogue) as (found,):
        yield found


def beside(page: str) -> dict[str, str]:
    """What a page says beside which field; each is named by its field for who can not see."""
    said = re.findall(r'<p class="error" id="e-([\w.]+)">(.*?)</p>', page, re.DOTALL)
    for name, _ in said:
        assert re.search(rf'aria-invalid="true"[^>]*aria-describedby="e-{name}[ "]', page), name
    return dict(said)


def stands(page: str, fields: dict[str, str]) -> None:
    """Every field shows what was typed or chosen."""
    for name, value in fields.items():
        written = value.replace("<", "&lt;").replace(">", "&gt;")
        field = re.escape(written)
        assert (
            re.search(rf'name="{name}"[^>]* value="{field}"', page)
            or re.search(rf'name="{name}"[^>]*>{field}</textarea>', page)
            or re.search(rf'name="{name}".*?<option value="{field}" selected>', page, re.DOTALL)
            or (value == "on" and re.search(rf'name="{name}" checked', page))
        ), (name, value)


WRONG = [
    ({"book": "bts/9"}, 404, "book", "It is there no longer"),
    ({"compare_with": "bts/9"}, 404, "compare_with", "It is there no longer"),
    ({"changes": "rules: ["}, 422, "changes", "is no clean YAML"),
    ({"changes": "without: [NOBODY]"}, 422, "changes", "NOBODY is not in the book"),
    ({"first": "1700000000"}, 422, "first", "Write a day as text"),
    ({"day": "tomorrow"}, 422, "day", "Write a day as text"),
    ({"last": "2026-09-01"}, 422, "last", "turn them round"),
    ({"name": "x" * 101}, 422, "name", "at most 100 characters"),
]


def test_a_refused_what_if_comes_back_with_its_fault_beside_the_field(pricer):
    for changes, status, field, words in WRONG:
        filled = FILLED | changes
        answer = pricer.browses("/what-ifs", filled)
        assert answer.status_code == status, changes
        said = beside(answer.text)
        assert list(said) == [field], changes
        assert words in said[field]
        stands(answer.text, filled)


def test_a_what_if_too_many_comes_back_as_it_was_filled(pricer, monkeypatch):
    monkeypatch.setattr(what_ifs, "UNFINISHED_MAX", 0)
    answer = pricer.browses("/what-ifs", FILLED)
    assert answer.status_code == 409
    assert "what-ifs are not over yet; cancel one, or wait" in answer.text
    assert beside(answer.text) == {}
    stands(answer.text, FILLED)


def test_refused_acts_imports_and_trials_come_back_as_they_were_filled(pricer):
    draft = pricer.drafts(a_version(2, "12.50"))
    act = {"sha256": draft["sha256"], "reason": "no"}
    page = pricer.browses("/books/bts/2/publish", act).text
    assert "say why in 3" in beside(page)["publish"]
    stands(page, {"reason": "no"})

    typed = {"prices": "sku;price\nX;1.234,5\nX;=1+1", "effective": "1700000000"}
    page = pricer.browses("/books/bts/1/import", typed | {"complete": "true"}).text
    assert beside(page) == {"effective": "Write a day as text, such as 2026-03-31"}
    stands(page, typed)
    assert re.search(r'name="complete" value="true" checked', page)

    typed = {"prices": "name,what\nX,1", "effective": "2027-01-01"}
    page = pricer.browses("/books/bts/1/import", typed).text
    assert "sku" in beside(page)["prices"]
    stands(page, typed)

    asked = "book=bts/1&part1=X&quantity1=1_000&part2=X&quantity2=2&discount=1e1&day=2026-11-28"
    page = pricer.browses(f"/tester?{asked}").text
    assert beside(page)["discount"] == "Write a number."
    page = pricer.browses(f"/tester?{asked.replace('1e1', ' 5 ')}").text
    assert beside(page) == {"quantity1": "Write a number, as 12 or 2.5."}
    stands(page, {"quantity1": "1_000", "quantity2": "2", "book": "bts/1"})
    page = pricer.browses("/tester?book=bts/9&part1=X").text
    assert beside(page) == {"book": "It is there no longer; choose another one."}
    stands(page, {"book": "bts/9", "part1": "X"})
