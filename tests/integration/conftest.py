"""Fixtures of the integration tests: crm_projector on databases of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.crm_service import NAME, Crm, crm_on


@pytest.fixture
def make_crm(
    make_database: Callable[..., Any], clock: Any, tmp_path: Path
) -> Iterator[Callable[[], Crm]]:
    made: list[Crm] = []

    def make() -> Crm:
        home = tmp_path / f"crm-{len(made)}"
        home.mkdir()
        made.append(crm_on(make_database(crm_projector=[NAME, "bi"]), clock, home))
        return made[-1]

    yield make
    for each in made:
        each.house.stop()


@pytest.fixture
def crm(make_crm: Callable[[], Crm]) -> Crm:
    return make_crm()
