"""The service configurator over PostgreSQL, and programs and browsers in front of it."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx
from pydantic import SecretStr

from infra.auth import Audience, Pass, mint
from infra.cookies import form_token
from infra.keys import SigningKey, jwks
from infra.parts import Parts, Plumbing
from infra.service import House
from infra.settings import Settings
from services.configurator import main
from tests.unit.configurator.guide import NOW, Peers

SESSIONS = "/configurator/sessions"


class Configurator:
    """The service in one process, its peers played, and who asks it."""

    def __init__(self, settings: Settings, clock: Any, key: SigningKey) -> None:
        self.clock, self.key, self.settings, self.peers = clock, key, settings, Peers()

        def build(given: Settings, plumbing: Plumbing) -> Parts:
            plumbing.asker = self.peers
            return main.build(given, plumbing)

        self.house = House(settings, {"configurator": build}, clock)
        (self.service,) = self.house.services
        self.app = self.house.app()
        self._tokens: dict[tuple[str, str, datetime], str] = {}

    def token(self, who: str, role: str = "seller") -> str:
        audience = Audience(self.settings.jwt_issuer, self.settings.jwt_audience)
        return self._tokens.setdefault(
            (who, role, self.clock()), mint(self.key, Pass(who, [role]), audience, self.clock())
        )

    def asks(
        self, who: str, method: str, path: str, body: Any = None, role: str = "seller", **more: str
    ) -> httpx.Response:
        """Ask as a program does: JSON, with a header of its own; `more` are further headers."""
        headers = {"authorization": f"Bearer {self.token(who, role)}", "accept": "*/*"}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        return self.sends(method, path, headers=headers, json=body)

    def begins(self, who: str = "seller-1", **said: Any) -> dict[str, Any]:
        answer = self.asks(who, "POST", SESSIONS, said or {"product": "base_station"})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def decides(self, session: dict[str, Any], who: str = "seller-1", **answers: Any) -> Any:
        said = [{"attribute": a, "value": v, "source": "user"} for a, v in answers.items()]
        path = f"{SESSIONS}/{session['session_id']}/decisions"
        answer = self.asks(who, "POST", path, {"decisions": said})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def browses(
        self, who: str, method: str, path: str, fields: dict[str, str] | None = None
    ) -> httpx.Response:
        """Ask as a browser does, with a session of its own and the token of its forms."""
        token = self.token(who)
        headers = {
            "accept": "text/html",
            "accept-language": "en-GB",
            "cookie": f"qw_session={token}",
        }
        data = {"form_token": form_token(token), **(fields or {})} if method == "POST" else None
        return self.sends(method, path, headers=headers, data=data)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        return self.service.plumbing.query(statement)

    def sends(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())


@contextmanager
def running(make_database: Any, clock: Any, tmp_path: Any, **more: Any) -> Iterator[Configurator]:
    """Run the service over the telecom catalogue; `more` are further settings."""
    clock.now = NOW
    key = SigningKey.create(tmp_path / "key.pem")
    (tmp_path / "keys.json").write_text(json.dumps(jwks([key.public])), encoding="utf-8")
    database = make_database(configurator=["configurator"])
    settings = Settings(
        dsn=SecretStr(database.dsn("configurator")),
        jwt_public_keys=str(tmp_path / "keys.json"),
        **more,
    )
    service = Configurator(settings, clock, key)
    yield service
    service.house.stop()
