"""The seam between a company's own sign-in and our sessions: its token becomes the cookie."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import Depends, Request
from starlette.responses import Response

from infra.auth import security_of
from infra.cookies import SESSION
from infra.keys import SigningKey, jwks
from infra.pages import Menu, Pages, page_router
from infra.settings import Settings
from infra.signing_in import SignIn, sign_in_routes
from infra.web import Readiness, Surroundings, allow, application

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ISSUER, AUDIENCE = "https://login.company.example", "quotewright-pages"


class Company:
    """A house without keys of its own, and the sign-in of the company before it."""

    def __init__(self, folder: Path) -> None:
        self.key = SigningKey.create(folder / "theirs.pem")
        self.stranger = SigningKey.create(folder / "strangers.pem")
        keys = folder / "jwks.json"
        keys.write_text(json.dumps(jwks([self.key.public])), encoding="utf-8")
        settings = Settings(jwt_public_keys=str(keys), jwt_issuer=ISSUER, jwt_audience=AUDIENCE)
        face = Pages("/house", Menu(sign_in="/sign-in", sign_out="/sign-out"))
        self.sign_in = SignIn(settings, lambda: NOW)
        self.app = application(
            "house",
            [sign_in_routes(face, self.sign_in, "/home"), self._home(face), face.routes()],
            security_of(settings, lambda: NOW, lambda: 0.0),
            lambda: Readiness(ready=True),
            Surroundings(clock=lambda: NOW, draw_problem=face.problem),
        )

    def _home(self, face: Pages) -> Any:
        router = page_router()

        @router.get("/home", dependencies=[Depends(allow("seller"))])
        def home(request: Request) -> Response:
            return face.show(request, "sign_in.html", people={}, wanted="", fault=None)

        return router

    def token(self, key: SigningKey | None = None, **changes: Any) -> str:
        """Return an access token as the company's sign-in makes it; None takes a claim out."""
        signed_by = key or self.key
        at = int(NOW.timestamp())
        claims = {
            "iss": ISSUER,
            "aud": [AUDIENCE, "something-else"],
            "sub": "ada@company.example",
            "roles": ["seller", "staff"],
            "iat": at,
            "nbf": at,
            "exp": at + 3600,
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        algorithm, kid = signed_by.algorithm, signed_by.kid
        return jwt.encode(kept, signed_by.private, algorithm=algorithm, headers={"kid": kid})

    def asks(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                headers = {"accept": "text/html", **more.pop("headers", {})}
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(ask())

    def hands_over(self, token: str, **headers: str) -> httpx.Response:
        """Let the company's gateway hand a token over, for a browser that waits for its answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        form = {"token": token, "next": "/home"}
        return self.asks("POST", "/sign-in", data=form, headers=named)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


def test_a_token_of_the_companys_issuer_becomes_the_session(company: Company) -> None:
    token = company.token()
    told = company.hands_over(token)
    assert (told.status_code, told.headers["location"]) == (303, "/home")
    assert f"{SESSION}={token};" in told.headers["set-cookie"]
    page = company.asks("GET", "/home", headers={"cookie": f"{SESSION}={token}"})
    assert page.status_code == 200
    assert "ada@company.example" in page.text


def test_a_gateway_may_send_the_token_along_itself(company: Company) -> None:
    page = company.asks("GET", "/home", headers={"authorization": f"Bearer {company.token()}"})
    assert page.status_code == 200
    assert "ada@company.example" in page.text


def test_nobody_can_sign_in_by_name_where_a_company_signs_people_in(company: Company) -> None:
    assert not company.sign_in.people
    told = company.asks("POST", "/sign-in", data={"person": "seller-1"})
    assert told.status_code == 422
    assert "set-cookie" not in told.headers


WRONG: Mapping[str, Callable[[Company], str]] = {
    "a key that is not in the set": lambda it: it.token(it.stranger),
    "another issuer": lambda it: it.token(iss="https://login.other.example"),
    "another audience": lambda it: it.token(aud="payroll"),
    "no roles": lambda it: it.token(roles=None),
    "no time from which it is good": lambda it: it.token(nbf=None),
    "a time that is over": lambda it: it.token(exp=int((NOW - timedelta(minutes=1)).timestamp())),
    "a life of more than a day": lambda it: it.token(
        exp=int((NOW + timedelta(hours=25)).timestamp())
    ),
    "an RSA signature": lambda it: jwt.encode(
        {}, rsa.generate_private_key(65537, 2048), algorithm="RS256", headers={"kid": it.key.kid}
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_token_that_does_not_fit_makes_no_session(what: str, company: Company) -> None:
    told = company.hands_over(WRONG[what](company))
    assert told.status_code == 422
    assert "set-cookie" not in told.headers


def test_a_page_of_another_site_hands_nothing_over(company: Company) -> None:
    told = company.hands_over(company.token(), sec_fetch_site="cross-site")
    assert told.status_code == 403
    assert "set-cookie" not in told.headers


def test_a_token_without_a_role_of_ours_signs_in_and_opens_nothing(company: Company) -> None:
    token = company.token(roles=["staff"])
    assert company.hands_over(token).status_code == 303
    page = company.asks("GET", "/home", headers={"cookie": f"{SESSION}={token}"})
    assert page.status_code == 403
