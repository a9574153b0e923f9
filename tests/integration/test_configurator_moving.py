"""The guided page when a newer version of a model comes into force: first what becomes of the answers, then the move."""

import html
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts import places
from tests.integration.configurator_sessions import SESSIONS, Configurator, running
from tests.integration.test_configurator_resuming import (
    BEGUN,
    NEW,
    answers,
    going_on,
    is_chosen,
    post,
)
from tests.unit.configurator.guide import NR, ROOT, text_of

TELECOM = ROOT / "catalogs" / "telecom"
# From the tenth of March on 5G alone needs a macro station.
RULE = """
  - id: R-NR-MACRO
    owner: engineering
    rule: technology = nr implies station_type = macro
    message: 5G alone needs a macro station.
"""


@pytest.fixture
def service(make_database: Any, clock: Any, tmp_path: Path) -> Iterator[Configurator]:
    catalogue = tmp_path / "catalogue"
    shutil.copytree(TELECOM, catalogue)
    first = (catalogue / "models" / "base_station.yaml").read_text(encoding="utf-8")
    second = re.sub(r"^version: \d+", "version: 99", first, flags=re.MULTILINE)
    second = re.sub(r"^effective: .*", "effective: 2026-03-10", second, flags=re.MULTILINE)
    second = second.partition("\nexamples:")[0].replace("\nrules:\n", f"\nrules:{RULE}", 1)
    (catalogue / "models" / "base_station_99.yaml").write_text(second, encoding="utf-8")
    with running(make_database, clock, tmp_path, catalog_dir=catalogue) as found:
        yield found


def later(service: Configurator, fields: dict[str, str]) -> dict[str, str]:
    """Answer, then let the newer version come into force; returns what the form carries."""
    kept = going_on(post(service, fields))
    service.clock.now += timedelta(days=10)
    return kept


def opened(service: Configurator, session: str) -> httpx.Response:
    return service.browses("seller-1", "GET", places.resumed(NEW, "base_station", session))


def version(service: Configurator, session: str) -> int:
    found = service.asks("seller-1", "GET", f"{SESSIONS}/{session}").json()
    return int(found["model"]["version"])


def offered(page: httpx.Response) -> dict[str, str]:
    """What the buttons of the page give up, by what they say."""
    found = re.findall(r'<button[^>]*name="drop" value="([^"]*)"[^>]*>([^<]*)<', page.text)
    return {html.unescape(says): drop for drop, says in found}


def moves(service: Configurator, page: httpx.Response, drop: str) -> httpx.Response:
    return post(service, {**going_on(page), "intent": "move", "drop": drop})


def test_the_outcome_is_shown_before_anything_moves(service: Configurator) -> None:
    kept = later(service, NR)
    page = opened(service, kept["session"])
    assert "version 99 is in force since 10 Mar 2026. Nothing has changed yet." in text_of(page)
    assert "Everything stands as it is." in text_of(page)
    assert 'id="questions"' not in page.text
    assert version(service, kept["session"]) != 99
    moved = moves(service, page, "")
    assert version(service, kept["session"]) == 99
    assert is_chosen(moved, "technology-nr")
    assert "The configuration is complete." in text_of(moved)


def test_a_conflict_is_shown_with_its_repairs_and_one_press_takes_one(
    service: Configurator,
) -> None:
    kept = later(service, {"a-station_type": "micro", "a-technology": "nr"})
    page = opened(service, kept["session"])
    assert "Not all of your answers are possible any more." in text_of(page)
    assert "5G alone needs a macro station." in text_of(page)
    ways = offered(page)
    assert ways.pop("Keep all of them, and decide on the page") == ""
    assert set(ways.values()) == {"station_type", "technology"}
    moved = moves(service, page, "station_type")
    assert answers(service, kept["session"]) == {"technology": "nr"}
    assert version(service, kept["session"]) == 99
    assert "Not all of this is possible" not in text_of(moved)


def test_all_can_be_kept_and_settled_on_the_page(service: Configurator) -> None:
    kept = later(service, {"a-station_type": "micro", "a-technology": "nr"})
    moved = moves(service, opened(service, kept["session"]), "")
    assert "Not all of this is possible." in text_of(moved)
    assert answers(service, kept["session"]) == {"station_type": "micro", "technology": "nr"}
    back = post(service, {**going_on(moved), "intent": "undo"})
    assert "Nothing has changed yet." in text_of(back), "the move can be undone"


def test_an_answer_given_on_a_page_drawn_before_is_kept_and_moves_nothing(
    service: Configurator,
) -> None:
    kept = later(service, {"a-station_type": "micro"})
    fields = {"a-station_type": "micro", "a-technology": "nr", "quantity": "7", **kept}
    page = post(service, fields)
    assert "Nothing has changed yet." in text_of(page)
    assert answers(service, kept["session"]) == {"station_type": "micro", "technology": "nr"}
    assert version(service, kept["session"]) != 99
    assert '<input type="hidden" name="quantity" value="7">' in page.text


def test_nothing_is_put_into_the_quote_before_the_move(service: Configurator) -> None:
    kept = later(service, NR)
    fields = {**BEGUN, **NR, **kept, "intent": "save"}
    page = service.browses("seller-1", "POST", NEW, fields)
    assert (page.status_code, service.peers.wrote()) == (200, [])
    assert "Nothing has changed yet." in text_of(page)
