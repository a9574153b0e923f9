"""What the walks are told on: a running house, the people and systems around it, and waits."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import psycopg

from contracts.envelope import Sealed
from contracts.opportunity import OpportunityRef, deal_id_of
from infra.bus_kafka import KafkaBus
from infra.service import House
from infra.wire import pack_headers
from quotewright.client import token_for
from quotewright.demo import Stage
from quotewright.laptop import CRM
from quotewright.playing import opportunity, requirements
from tests.e2e.processes import Apart

WAIT_S = 30.0
LOOK_S = 0.05
T = TypeVar("T")
Json = dict[str, Any]
_records = count(1)


def until(look: Callable[[], T | None], what: str, timeout_s: float = WAIT_S) -> T:
    """Return what `look` finds, looking again until it is there."""
    end = time.monotonic() + timeout_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"in {timeout_s} s: {what}"
        time.sleep(LOOK_S)


class Caller:
    """Somebody who asks over HTTP: with a token, or as a stranger."""

    def __init__(self, url: str, token: str | None) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._http.request(method, path, json=body, headers=named)

    def get(self, path: str) -> Any:
        return _good(self.ask("GET", path)).json()

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return _good(self.ask("POST", path, body, **headers)).json()

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return _good(self.ask("PUT", path, body, **headers)).json()

    def refused(
        self, method: str, path: str, body: Any = None, *, status: int, **headers: str
    ) -> Json:
        """Return the problem that answers, which must have the status."""
        answer = self.ask(method, path, body, **headers)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        problem: Json = answer.json()
        assert problem["status"] == status
        return problem

    def close(self) -> None:
        self._http.close()


def _good(answer: httpx.Response) -> httpx.Response:
    assert answer.is_success, f"{answer.request.url}: {answer.status_code} {answer.text}"
    return answer


@dataclass
class Place:
    """A running house with its surroundings; `apart` where each service has its own process."""

    stage: Stage
    server_dsn: str
    topics: Mapping[str, str] = field(default_factory=dict)
    apart: Apart | None = None
    bootstrap: str | None = None
    house: House | None = None
    restart: Callable[[Path | None], None] | None = None
    _callers: dict[str, Caller] = field(default_factory=dict)

    # ---- who

    def person(self, role: str, subject: str | None = None) -> Caller:
        name = subject or f"{role}-1"
        if f"{role}/{name}" not in self._callers:
            token = token_for(self.stage.laptop.home, name, [role])
            self._callers[f"{role}/{name}"] = Caller(self.stage.url, token)
        return self._callers[f"{role}/{name}"]

    @property
    def seller(self) -> Caller:
        return self.person("seller")

    @property
    def admin(self) -> Caller:
        return self.person("admin")

    @cached_property
    def customer(self) -> Caller:
        return self._callers.setdefault("stranger", Caller(self.stage.url, None))

    # ---- the CRM

    def opens(self, example: str | None = None, **changes: Any) -> str:
        """Let the CRM open an opportunity, with the requirements of an example or none."""
        record = f"006-{next(_records):04d}"
        self.stage.say("opportunity.opened", asked(record, example, **changes))
        return record

    def says(self, kind: str, record: str, **changes: Any) -> httpx.Response:
        """Let the CRM say something of an opportunity it opened before."""
        body = {**event(kind, record), **changes}
        return self.stage.crm.send(f"{self.stage.url}/crm/webhooks/{CRM}", body)

    def told(self, record: str, status: str, **members: Any) -> Json:
        """Return the first write-back with this status and these members, waiting for it."""
        wanted = {"record_id": record, "status": status, **members}
        return self.stage.crm.wait(
            lambda each: all(each.get(name) == value for name, value in wanted.items()), WAIT_S
        )

    def tellings(self, record: str) -> list[Json]:
        return [each for each in self.stage.crm.taken if each["record_id"] == record]

    # ---- quotes

    def quote(self, number: str) -> Json:
        found: Json = self.seller.get(f"/quotes/{number}")
        return found

    def reaches(self, number: str, status: str) -> Json:
        """Return the quote once it has the status."""
        return until(
            lambda: ((found := self.quote(number))["status"] == status and found) or None,
            f"{number} is {status}; it is {self.quote(number)['status']}"
            f" because {self.quote(number)['waits_for']['reason']}",
        )

    def drafts(self, record: str, items: Any = (), **more: Any) -> Json:
        """Let the seller draft a quote of the CRM's record, once quotes has heard of it."""
        path = f"/quotes/deals/{deal_of(record)}/quotes"
        until(
            lambda: self.seller.ask("GET", f"/quotes/deals/{deal_of(record)}").is_success,
            f"quotes takes {record} up",
        )
        drafted: Json = self.seller.post(path, {"items": list(items), **more})
        return drafted

    def edits(self, number: str, items: Any, *, submit: bool, **more: Any) -> Json:
        body = {"items": items, "discounts": [], "submit": submit, **more}
        edited: Json = self.seller.put(f"/quotes/{number}/draft", body)
        return edited

    def link(self, number: str, revision: int) -> str:
        path: str = self.seller.get(f"/quotes/{number}/revisions/{revision}/link")["path"]
        return path

    def accepts(self, told: Json, name: str = "A. Example") -> Json:
        """Let the customer accept what the CRM was told is presented."""
        link = self.link(told["number"], told["presented_revision"])
        yes = {"name": name, "document_sha256": told["document_sha256"]}
        done: Json = self.customer.post(f"{link}/accept", yes)
        return done

    # ---- approvals

    def asked_to_approve(self, number: str, step: int = 1, revision: int = 1) -> Json:
        """Return what the approvers' system was asked, waiting for it."""
        wanted = {"quote": number, "step": step, "revision": revision, "state": "open"}
        return self.stage.approvers.wait(
            lambda each: all(each.get(name) == value for name, value in wanted.items()), WAIT_S
        )

    def decides(self, case: Json, verdict: str, reason: str, by: str | None = None) -> Json:
        """Let the approvers' system call back, signed."""
        body = {
            "case_id": case["case_id"],
            "content_key": case["content_key"],
            "approver": by or case["approvers"][0],
            "verdict": verdict,
            "reason": reason,
        }
        answer = self.stage.approvers.send(self.stage.url + case["callback"], body)
        decided: Json = _good(answer).json()
        return decided

    # ---- what became of it

    def history(self, number: str) -> list[Json]:
        hops: list[Json] = self.admin.get(f"/crm/quotes/{number}/history")["hops"]
        return hops

    def facts(self, number: str) -> list[str]:
        return [hop["fact"] for hop in self.history(number)]

    def heard_of(self, number: str, fact: str, times: int = 1) -> list[str]:
        """Return the quote's facts once it has this one, so often."""
        return until(
            lambda: self.facts(number) if self.facts(number).count(fact) >= times else None,
            f"{number} has {times} {fact}",
        )

    def waiting(self, number: str) -> Json | None:
        rows = self.admin.get("/crm/waiting?limit=200")["waiting"]
        return next((row for row in rows if row["number"] == number), None)

    def parked(self, prefix: str, key: str | None = None) -> list[Json]:
        """Return what a service has parked, of one record key or all."""
        rows: list[Json] = self.admin.get(f"{prefix}/admin/parked")
        return [row for row in rows if key in {None, row["deal"]}]

    # ---- the log itself

    def produce(
        self, topic: str, key: str | bytes, headers: Mapping[str, str], value: bytes
    ) -> None:
        """Put a record on a topic as a foreign program would."""
        named = tuple((name, text.encode()) for name, text in headers.items())
        record = Sealed(key.encode() if isinstance(key, str) else key, named, value)
        name = self.topics.get(topic, topic)
        if self.bootstrap:
            bus = KafkaBus(self.bootstrap.split(","), {})
            bus.produce(name, [record])
            bus.close()
            return
        self.sql(
            "INSERT INTO bus.log (topic, key, headers, value) VALUES (%s, %s, %s, %s)",
            (name, record.key, pack_headers(record.headers), record.value),
        )

    def sql(self, statement: str, params: Any = ()) -> list[tuple[Any, ...]]:
        """Look or meddle as a database administrator."""
        with psycopg.connect(self.server_dsn, autocommit=True) as connection:
            cursor = connection.execute(statement, params)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        for each in self._callers.values():
            each.close()


def deal_of(record: str) -> UUID:
    """Return our id of the CRM's record."""
    return deal_id_of(OpportunityRef(crm=f"crm://{CRM}", record_id=record))


def asked(record: str, example: str | None, **changes: Any) -> Json:
    """Return an opportunity as the CRM sends it."""
    body = opportunity(record, example or "city_macro", **changes)
    return body if example or "requirements" in changes else {**body, "requirements": []}


def event(kind: str, record: str, **members: Any) -> Json:
    """Return an event of the CRM about a record, now."""
    return {
        "id": f"evt-{uuid4().hex}",
        "type": kind,
        "occurred_at": datetime.now(UTC).isoformat(),
        "opportunity": {"id": record},
        **members,
    }


def items_of(example: str) -> list[Json]:
    """Return the items of a catalogue example as a seller drafts them."""
    return [
        {**item, "decisions": [{**each, "source": "user"} for each in item["decisions"]]}
        for item in requirements(example)
    ]
