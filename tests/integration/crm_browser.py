"""Somebody at a browser before crm_projector, and opportunities to look at."""

import asyncio
import html
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from contracts import places
from contracts.opportunity import OpportunityDetails
from infra.auth import Audience, Pass, mint
from tests.integration.crm_service import Crm
from tests.unit.crm_projector.walks import T0, Log

EVERYBODY = ("seller", "approver", "manager", "analyst", "admin")


class Browser:
    """Somebody at a browser before the service; his session is a cookie."""

    def __init__(self, crm: Crm) -> None:
        self.crm = crm

    def asks(self, path: str, role: str | None = "seller") -> httpx.Response:
        settings, cookies = self.crm.settings, {}
        if role:
            audience = Audience(settings.jwt_issuer, settings.jwt_audience)
            now = self.crm.clock()
            cookies = {"qw_session": mint(self.crm.key, Pass(f"{role}-1", [role]), audience, now)}

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.crm.app)
            headers = {"accept": "text/html", "accept-language": "en-GB"}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://test", cookies=cookies
            ) as client:
                return await client.get(path, headers=headers)

        return asyncio.run(ask())

    def sees(self, path: str, role: str = "seller") -> str:
        answer = self.asks(path, role)
        assert answer.status_code == 200, answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        return answer.text

    def lists(self, role: str = "seller", **asked: Any) -> str:
        return self.sees(f"{places.OPPORTUNITIES}?{urlencode(asked)}", role)


def text_of(page: str) -> str:
    """The words of a page's main part, as one line."""
    main = page[page.index("<main") :]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def records(page: str) -> list[str]:
    """The record ids of the opportunities that a list shows, in its order."""
    return re.findall(r"Sites of (OPP-[\w-]+)", page)


@dataclass
class Particular(Log):
    """A log whose details are not those of every other."""

    changes: dict[str, Any] = field(default_factory=dict)

    @property
    def details(self) -> OpportunityDetails:
        return super().details.model_copy(update=self.changes)


def log_of(record: str, **changes: Any) -> Log:
    """An opportunity that begins at an hour of its own."""
    starts = T0 + timedelta(hours=int(record[-1]))
    return Particular(record, starts=starts, changes=changes).open()
