"""A CRM of a run: opens, changes, wins, loses and reopens opportunities, by webhook or topic."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from contracts.envelope import Sealed
from services.crm_projector import handlers
from services.crm_projector.crm.generic import normalised, parsed
from tests.simulation import catalogue
from tests.simulation.bus import INBOUND

if TYPE_CHECKING:
    from infra.work import Work
    from tests.simulation.people import Speaker
    from tests.simulation.world import World

SOURCE = "crm://example"
OWNERS = ("seller-1", "seller-1", "appr-regional-1")
LATER = (*("updated",) * 4, *("stage_changed",) * 2, "won", "lost", "reopened")


@dataclass(slots=True)
class Crm:
    """One CRM with a few opportunities; it says some things twice and some too late."""

    world: "World"
    speaker: "Speaker"
    opened: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def speak(self) -> bool:
        """Say something: a new opportunity, a change of one, or an old event once more."""
        rng = self.world.rng
        if len(self.opened) < self.world.dice.mood.deals and (
            not self.opened or rng.random() < 0.5
        ):
            return self._open()
        if self.events and rng.random() < 0.2:
            return self._tell(rng.choice(self.events))
        return self._change(rng.choice(self.opened)) if self.opened else False

    def _open(self) -> bool:
        rng = self.world.rng
        record = f"006-{len(self.opened) + 1}"
        self.opened.append(record)
        told = {
            "id": record,
            "name": f"Radio access {record}",
            "account": {
                "id": "acct-001",
                "name": "Example Telecom",
                "tier": rng.choice(("gold", "silver")),
                "region": rng.choice(catalogue.REGIONS),
            },
            "currency": rng.choice(("EUR", "EUR", "EUR", "USD")),
            "selling_unit": rng.choice(catalogue.UNITS),
            "owner_id": rng.choice(OWNERS),
            "stage": "Proposal",
        }
        if rng.random() < 0.7:
            told |= {
                "requirements": catalogue.wish(rng),
                "discounts": catalogue.discounts(rng),
            }
        return self._tell(self._event("opened", told))

    def _change(self, record: str) -> bool:
        rng = self.world.rng
        kind = rng.choice(LATER)
        told: dict[str, Any] = {"id": record}
        if kind == "updated":
            change = rng.choice(("tier", "unit", "owner", "amount", "region"))
            told |= {
                "tier": {"account": {"tier": rng.choice(("gold", "silver", "bronze"))}},
                "region": {"account": {"region": rng.choice(("EMEA", "NAM"))}},
                "unit": {"selling_unit": rng.choice(catalogue.UNITS)},
                "owner": {"owner_id": rng.choice(OWNERS)},
                "amount": {"amount": str(rng.randint(1, 9) * 1000)},
            }[change]
        if kind in {"stage_changed", "reopened"}:
            told["stage"] = rng.choice(("Proposal", "Negotiation"))
        event = self._event(kind, told)
        if kind == "lost":
            event["reason"] = "budget"
        if rng.random() < 0.1:
            event["client"] = "quotewright"
        return self._tell(event)

    def _event(self, kind: str, told: dict[str, Any]) -> dict[str, Any]:
        rng = self.world.rng
        late = timedelta(minutes=rng.choice((0, 0, 0, 0, 30)))
        event = {
            "id": f"evt-{len(self.events) + 1}",
            "type": f"opportunity.{kind}",
            "occurred_at": (self.world.now() - late).isoformat(),
            "opportunity": told,
        }
        self.events.append(event)
        return event

    def _tell(self, event: dict[str, Any]) -> bool:
        what = f"says {event['type']} of {event['opportunity']['id']} ({event['id']})"
        if self.world.rng.random() < 0.5:
            room = self.world.rooms["crm_projector"]

            def at_the_door() -> bool:
                self.world.bus.produce(INBOUND, [_sealed(event)])
                return True

            return self.world.act(f"the CRM {what} at the topic", object(), at_the_door, room)
        heard = normalised(SOURCE, parsed(json.dumps(event).encode()))

        def receive(work: "Work") -> None:
            handlers.receive(heard, work)

        return self.speaker.say_as("crm_projector", heard.command_id, what, receive)


def _sealed(event: dict[str, Any]) -> Sealed:
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event["id"],
        "ce_source": SOURCE,
        "ce_type": f"quotewright.crm.{event['type']}",
    }
    packed = tuple((name, text.encode()) for name, text in headers.items())
    return Sealed(event["opportunity"]["id"].encode(), packed, json.dumps(event).encode())
