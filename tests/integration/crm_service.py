"""crm_projector as a running service that a test steps by hand."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from httpx import ASGITransport, AsyncClient, Response
from pydantic import SecretStr

from contracts.envelope import Opened, Sealed, seal
from infra.auth import Audience, Pass, mint
from infra.inbox import Consumer, Hooks
from infra.keys import SigningKey, jwks
from infra.reading import DoorReading, FactReading
from infra.service import House
from infra.settings import Endpoint, Settings
from infra.webhooks import sign
from infra.work import Cause
from services.crm_projector import main

SECRET = SecretStr("whsec_" + "AQEB" * 8)
NAME = "crm_projector"
TABLES = ["opportunity", "quote", "quote_revision", "approval", "deal_state"]


class Crm:
    """The running service, stepped by hand: no threads, no waiting."""

    def __init__(self, settings: Settings, clock: Any, key: SigningKey, admin_dsn: str) -> None:
        self.clock, self.key, self.settings, self.admin_dsn = clock, key, settings, admin_dsn
        self.patient = self.paused = False
        self.house = House(settings, {NAME: main.build}, clock)
        (self.service,) = self.house.services
        self.app = self.house.app()
        self.plumbing, parts = self.service.plumbing, self.service.parts
        hears = {each.wire_type(): handler for each, handler in parts.hears.items()}
        facts = FactReading(
            settings.facts_topic, parts.registry, hears, parts.copies, parts.name, clock
        )
        (door,) = parts.doors
        self.consumer, self.facts = self._consumer(facts)
        _, self.door = self._consumer(DoorReading(door.topic, door, parts.name, clock))

    def _consumer(self, reading: Any) -> tuple[Consumer, Callable[[], int]]:
        def jitter(longest_s: float) -> float:
            if not self.patient:
                raise AssertionError(f"not available, would wait up to {longest_s} s")
            self.paused = True
            return 0.0

        hooks = Hooks(lambda _: None, lambda _: None, jitter=jitter)
        consumer = Consumer(self.plumbing.ledger, reading, self.service.parts.batch_size, hooks)
        source = self.service.bus.source(NAME, reading.topic, consumer.claim)
        return consumer, lambda: consumer.step(source, 0.0)

    def retry_parked(self) -> int:
        """Let the service try again everything that is parked."""
        self.plumbing.ledger.ask_retry(None)
        done = 0
        for _ in range(20):
            done += self.consumer.retry_parked()
        return done

    def mend(self, bad: bytes, good: bytes) -> None:
        """Let a body be readable now, as a newer release would."""
        for table in ("parked", "fact_log"):
            self.plumbing.run(
                Cause(f"mend {table}", self.clock(), "user/admin-1"),
                lambda work, table=table: work.sql(
                    f"UPDATE {table} SET value = %s WHERE value = %s", (good, bad)
                ),
            )

    @property
    def dsn(self) -> str:
        assert self.settings.dsn is not None
        return self.settings.dsn.get_secret_value()

    @property
    def analyst_dsn(self) -> str:
        return self.admin_dsn.replace("postgres@", "quotewright_analyst@")

    def hear(self, facts: list[Opened]) -> None:
        self.send(self.settings.facts_topic, [seal(each.fact, each.meta) for each in facts])
        while self.facts() or self.paused:
            self.paused = False

    def send(self, topic: str, records: list[Sealed]) -> None:
        self.service.bus.produce(topic, records)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        return self.plumbing.query(statement)

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        return {each: self.rows(f"SELECT * FROM {each} ORDER BY 1, 2") for each in TABLES}

    def call(self, method: str, path: str, role: str | None = None, **more: Any) -> Response:
        headers = more.pop("headers", {})
        if role:
            audience = Audience(self.settings.jwt_issuer, self.settings.jwt_audience)
            token = mint(self.key, Pass(f"{role}-1", [role]), audience, self.clock())
            headers = {**headers, "authorization": f"Bearer {token}"}

        async def ask() -> Response:
            transport = ASGITransport(self.app)
            async with AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(ask())

    def ask(self, method: str, path: str, role: str = "admin") -> Any:
        answer = self.call(method, path, role)
        assert answer.is_success, answer.text
        return answer.json()

    def start_rebuild(self) -> int:
        return int(self.ask("POST", "/crm/rebuild")["generation"])

    def build(self) -> int:
        """Do the next bit of the rebuild."""
        return self.service.parts.chores["rebuild"].step()

    def generation(self, number: int) -> dict[str, Any]:
        found = self.ask("GET", "/crm/rebuild")["generations"]
        return next(each for each in found if each["number"] == number)

    def rebuilt(self) -> dict[str, Any]:
        """Run a rebuild to its end; returns the report."""
        number = self.start_rebuild()
        while self.build():
            pass
        found = self.generation(number)
        assert found["stage"] == "current", found
        return found["report"]

    def sql(self, *statements: str) -> None:
        """Do something to the service's tables behind its back."""
        with self.plumbing.pool.connection() as connection, connection.transaction():
            for each in statements:
                connection.execute(each)

    def webhook(self, body: bytes, message_id: str = "msg-1") -> Response:
        signed = sign(SECRET, message_id, self.clock(), body)
        headers = {**signed, "content-type": "application/json"}
        return self.call("POST", "/crm/webhooks/example", content=body, headers=headers)


def crm_on(database: Any, clock: Any, home: Path) -> Crm:
    """Open the service on a database, with keys of its own below a folder."""
    key = SigningKey.create(home / "key.pem")
    (home / "keys.json").write_text(json.dumps(jwks([key.public])), encoding="utf-8")
    settings = Settings(
        dsn=SecretStr(database.dsn(NAME)),
        jwt_public_keys=str(home / "keys.json"),
        webhook_keys={"example": (SECRET,)},
        crms=("example",),
        endpoints={"crm": Endpoint(url="http://127.0.0.1:1/crm", secret=SECRET)},
    )
    return Crm(settings, clock, key, database.admin_dsn)
