"""The service approvals over PostgreSQL, and browsers in front of it."""

import asyncio
import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from pydantic import SecretStr

from contracts import places
from infra.auth import Audience, Pass, mint
from infra.cookies import form_token
from infra.keys import SigningKey, jwks
from infra.parts import Parts, Plumbing
from infra.service import House
from infra.settings import Settings
from infra.work import Cause
from services.approvals import handlers, main
from services.approvals.domain.case import case_id_of
from tests.unit.approvals.offers import ASKED_AT, heard

REGIONAL, OTHER, FINANCE = "appr-regional-1", "appr-regional-2", "appr-finance-1"


def text_of(page: str) -> str:
    """The words of a page, as one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def forms_of(page: str) -> dict[str, dict[str, str]]:
    """The hidden fields of each form for a decision, by its verdict."""
    found = {}
    for form in re.findall(r"<form[^>]*/decision.*?</form>", page, re.DOTALL):
        pairs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
        fields = {name: html.unescape(value) for name, value in pairs}
        found[fields["verdict"]] = fields
    return found


class Approvals:
    """The service approvals in one process, and browsers in front of it."""

    def __init__(self, settings: Settings, clock: Any, key: SigningKey, asker: Any = None) -> None:
        self.clock, self.key, self.settings = clock, key, settings

        def build(given: Settings, plumbing: Plumbing) -> Parts:
            plumbing.asker = asker or plumbing.asker
            return main.build(given, plumbing)

        self.house = House(settings, {"approvals": build}, clock)
        (self.service,) = self.house.services
        self.app = self.house.app()
        self._sessions: dict[tuple[str, str, datetime], str] = {}

    def hear(self, fact: Any, version: int = 7, at: datetime = ASKED_AT) -> UUID:
        """Let the service hear a fact of quotes; returns the case that it opens."""
        said = heard(fact, version, at)
        handler = self.service.parts.hears[type(fact)]
        cause = Cause(said.meta.id, said.meta.time, "service/approvals", str(fact.deal_id))
        self.service.plumbing.run(cause, lambda work: handler(said, work))
        return case_id_of(said.meta.id)

    def session(self, who: str, role: str) -> str:
        """The session of a browser, the same until the clock moves: forms belong to it."""
        audience = Audience(self.settings.jwt_issuer, self.settings.jwt_audience)
        return self._sessions.setdefault(
            (who, role, self.clock()), mint(self.key, Pass(who, [role]), audience, self.clock())
        )

    def browse(self, who: str, role: str, method: str, path: str, **more: Any) -> httpx.Response:
        token = self.session(who, role)

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            headers = {"accept": "text/html", "accept-language": "en-GB", **more.pop("headers", {})}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://test", cookies={"qw_session": token}
            ) as client:
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(ask())

    def program(
        self, who: str, role: str, path: str, body: dict[str, str], key: str = ""
    ) -> httpx.Response:
        """Send JSON as a program does, with a header of its own instead of a session."""
        headers = {"authorization": f"Bearer {self.session(who, role)}", "accept": "*/*"}
        headers |= {"idempotency-key": key} if key else {}
        return self.browse(who, role, "POST", path, json=body, headers=headers)

    def token(self, who: str, role: str) -> str:
        """The form token of somebody's session."""
        return form_token(self.session(who, role))

    def inbox(self, query: str = "", who: str = REGIONAL, role: str = "approver") -> str:
        answer = self.browse(who, role, "GET", f"{places.INBOX}{query}")
        assert answer.status_code == 200, answer.text
        return answer.text

    def page(self, case: UUID, who: str = REGIONAL, role: str = "approver") -> str:
        answer = self.browse(who, role, "GET", places.case(case))
        assert answer.status_code == 200, answer.text
        return answer.text

    def send(
        self, case: UUID, fields: dict[str, str], who: str = REGIONAL, **more: Any
    ) -> httpx.Response:
        path = f"{places.case(case)}/decision"
        return self.browse(who, "approver", "POST", path, data=fields, **more)

    def facts(self, case: UUID) -> list[type]:
        recorded = self.service.plumbing.read(handlers.stream_of(case))
        return [type(each.fact) for each in recorded]


@contextmanager
def running(
    make_database: Any,
    clock: Any,
    tmp_path: Any,
    asker: Any = None,
    kind: type[Approvals] = Approvals,
    **more: Any,
) -> Iterator[Any]:
    """Run the service five minutes after the ask, with its peers; `more` are further settings."""
    clock.now = ASKED_AT + timedelta(minutes=5)
    key = SigningKey.create(tmp_path / "key.pem")
    (tmp_path / "keys.json").write_text(json.dumps(jwks([key.public])), encoding="utf-8")
    database = make_database(approvals=["approvals"])
    settings = Settings(
        dsn=SecretStr(database.dsn("approvals")),
        jwt_public_keys=str(tmp_path / "keys.json"),
        **more,
    )
    service = kind(settings, clock, key, asker)
    yield service
    service.house.stop()
