"""What the demo plays with a catalogue: its examples, as a CRM would send them."""

from copy import deepcopy
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from contracts.errors import NotFound
from infra.clock import wall_clock

TELECOM = Path(__file__).resolve().parents[1] / "catalogs" / "telecom"
Message = dict[str, Any]


def opportunity(record_id: str, example: str, catalog: Path = TELECOM, **changes: Any) -> Message:
    """Return an opportunity as the CRM would send it, asking for an example of the catalogue."""
    close = wall_clock().date() + timedelta(days=45)
    deal = deepcopy(plan(catalog)["deal"])
    body: Message = {
        **deal,
        "id": record_id,
        "name": f"{deal['name']} {record_id}",
        "owner_id": "seller-1",
        "stage": "Proposal",
        "expected_close": close.isoformat(),
        "next_follow_up": (close - timedelta(days=30)).isoformat(),
        "requirements": requirements(example, catalog),
    }
    return {**body, **changes}


def requirements(example: str, catalog: Path = TELECOM) -> list[Message]:
    """Return the items of a catalogue example, as a CRM sends requirements."""
    found = {each["name"]: each["items"] for each in _read(catalog / "examples.yaml")["examples"]}
    return deepcopy(found[example])


def plan(catalog: Path) -> Message:
    """Return whose opportunity the demo opens, and what for.   Raises: NotFound."""
    return _read(catalog / "demo.yaml")


@cache
def _read(path: Path) -> Message:
    if not path.exists():
        raise NotFound(
            f"{path.name} is not in {path.parent}: a demo plays what stands there;"
            " `quotewright up` serves a catalogue without it"
        )
    found: Message = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found
