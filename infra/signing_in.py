"""Signing in with a browser: a session that every service can verify by itself.

The session is the person's bearer token, in a cookie. It comes from the company's own sign-in,
whose token is handed over here; in a demo also from a list of people, for whom we sign ourselves.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from contracts.errors import QuotewrightError, Refused, Unauthenticated
from infra.auth import Audience, Pass, mint, security_of
from infra.cookies import end_session, form_of, keep_session
from infra.doors import asked_of
from infra.keys import SigningKey
from infra.pages import Pages, page_router, see
from infra.settings import Settings
from infra.web import public

LIFETIME = timedelta(hours=8)
NEXT_MAX = 2000


class Stranger(Refused):
    """Nobody of this name is in the list of the demo."""

    code = "sign_in.stranger"


class SignIn:
    """Makes sessions: out of a token, or in a demo for a person of the list."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._security = security_of(settings, clock, time.monotonic)
        self._audience = Audience(settings.jwt_issuer, settings.jwt_audience)
        self._clock = clock
        path = settings.jwt_private_key
        self._key = SigningKey.load(path) if path and settings.demo_people else None
        self.people: Mapping[str, tuple[str, ...]] = settings.demo_people if self._key else {}
        self.secure = settings.public_url.startswith("https:")

    def by_name(self, person: str) -> str:
        """Return a token for a person of the demo.   Raises: Stranger."""
        roles = self.people.get(person)
        if roles is None or self._key is None:
            raise Stranger("choose a person of the list")
        return mint(self._key, Pass(person, roles, LIFETIME), self._audience, self._clock())

    def by_token(self, token: str) -> str:
        """Return the token, if it is good: the seam to a company's own sign-in.

        Whose tokens are good, the settings say; see docs/adr/0022.   Raises: Unauthenticated.
        """
        self._security.principal(f"Bearer {token}")
        return token


def sign_in_routes(pages: Pages, sign_in: SignIn, home: str) -> APIRouter:
    """Return the pages to sign in and out; `home` is where one comes to without another wish."""
    router = page_router()

    @router.get(pages.menu.sign_in, dependencies=[Depends(public())])
    def ask(
        request: Request,
        next: Annotated[str, Query(max_length=NEXT_MAX)] = "",  # noqa: A002
    ) -> Response:
        """Ask who it is."""
        return _form(pages, sign_in, request, next)

    @router.post(pages.menu.sign_in, dependencies=[Depends(public())])
    def signed_in(request: Request) -> Response:
        """Begin a session."""
        form = form_of(asked_of(request).body)
        wanted = form.get("next", "")[:NEXT_MAX]
        try:
            token = (
                sign_in.by_name(form["person"])
                if "person" in form
                else sign_in.by_token(form.get("token", ""))
            )
        except (Stranger, Unauthenticated) as fault:
            return _form(pages, sign_in, request, wanted, fault)
        answer = see(wanted if _is_ours(wanted) else home)
        keep_session(answer, token, int(LIFETIME.total_seconds()), secure=sign_in.secure)
        return answer

    @router.post(pages.menu.sign_out, dependencies=[Depends(public())])
    def signed_out() -> Response:
        """End the session."""
        answer = see(pages.menu.sign_in)
        end_session(answer, secure=sign_in.secure)
        return answer

    return router


def _form(
    pages: Pages,
    sign_in: SignIn,
    request: Request,
    wanted: str,
    fault: QuotewrightError | None = None,
) -> Response:
    told: dict[str, Any] = {"people": sign_in.people, "wanted": wanted, "fault": fault}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK
    return pages.show(request, "sign_in.html", int(status), **told)


def _is_ours(path: str) -> bool:
    """Say whether a path leads to a page of this house, not to another host."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
