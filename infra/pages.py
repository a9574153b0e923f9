"""Pages for people: one look for all services, complete without JavaScript, under a strict policy.

A page shares its address with the JSON of the same thing: who asks for HTML, or sends a form, meets
the page route; everybody else the JSON route.
"""

import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import jinja2
from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match
from starlette.types import Scope

from contracts.errors import Refused
from infra.cookies import SAFE, ZONE, cookies_of, form_of, form_token, is_form
from infra.doors import ASKED, Asked, asked_of, header
from infra.formats import Reader, reader_of
from infra.problems import field_errors
from infra.web import public

M = TypeVar("M", bound=BaseModel)

LOOK = Path(__file__).parent / "look"
FOR_A_YEAR = "public, max-age=31536000, immutable"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class FormInvalid(Refused):
    """A form is filled in wrongly; `errors` says it beside each field.   Attributes: errors."""

    code = "form.invalid"
    title = "Please correct the form"

    def __init__(self, errors: Mapping[str, str], says: str = "look at what is marked") -> None:
        super().__init__(says)
        self.errors = errors


class PageRoute(APIRoute):
    """A route that answers browsers only: it matches who asks for HTML or sends a form."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as a route does, if a browser asks."""
        if scope["type"] == "http" and not wants_page(scope):
            return Match.NONE, {}
        return super().matches(scope)


def page_router(prefix: str = "") -> APIRouter:
    """Return a router whose routes are pages."""
    return APIRouter(prefix=prefix, route_class=PageRoute, include_in_schema=False, tags=["pages"])


def wants_page(scope: Scope) -> bool:
    """Say whether a browser asks: for HTML, or with a form."""
    if scope["method"] in SAFE:
        return "text/html" in (header(scope, b"accept") or "")
    return is_form(scope)


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the menu, and the roles that see it there; `more`: what else belongs to it."""

    label: str
    path: str
    roles: frozenset[str]
    more: tuple[str, ...] = ()

    def leads_to(self, path: str) -> bool:
        """Say whether a page belongs to this place."""
        return path.startswith((self.path, *self.more))


@dataclass(frozen=True, slots=True)
class Menu:
    """Where a page leads to: the places of the house, and where one signs in and out."""

    links: Sequence[Link] = ()
    sign_in: str = "/sign-in"
    sign_out: str = "/sign-out"

    def seen_by(self, roles: frozenset[str]) -> list[Link]:
        """Return the places that somebody with these roles is shown."""
        return [each for each in self.links if each.roles & roles]


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages name: script, style or picture; by its hash it may be kept for ever.

    `packed` is the same for browsers that take gzip. Pages are never packed: they hold the form's
    token beside what a stranger may have written, and their length would tell of it.
    """

    body: bytes
    packed: bytes
    kind: str
    digest: str


@dataclass(slots=True)
class Pages:
    """Draws the pages of one service: its templates, on the look that all share.

    `globals_` are further names that templates may use, `files` further styles and pictures.
    """

    prefix: str
    menu: Menu
    templates: Path | None = None
    globals_: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    _environment: jinja2.Environment = field(init=False)
    _assets: Mapping[str, Asset] = field(init=False)

    def __post_init__(self) -> None:
        """Load the templates and the files; a missing one is found out now."""
        folders = [*([self.templates] if self.templates else []), LOOK]
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folders),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._assets = _assets(self.files)
        self._environment.globals |= {"asset": self._address, "menu": self.menu, **self.globals_}

    def routes(self) -> APIRouter:
        """Return the route of scripts and styles; public, since the sign-in page needs them."""
        router = APIRouter(prefix=self.prefix, include_in_schema=False)

        @router.get("/look/{name}", dependencies=[Depends(public())])
        def look(name: str, request: Request) -> Response:
            """Give a script, a style or a picture."""
            found = self._assets.get(name)
            if found is None:
                return Response(status_code=404)
            headers = {"cache-control": FOR_A_YEAR, "vary": "Accept-Encoding"}
            if "gzip" not in (header(request.scope, b"accept-encoding") or ""):
                return Response(found.body, media_type=found.kind, headers=headers)
            headers["content-encoding"] = "gzip"
            return Response(found.packed, media_type=found.kind, headers=headers)

        return router

    def show(self, request: Request, name: str, status: int = 200, **told: Any) -> Response:
        """Draw a page; `told` is what its template shows."""
        headers = {
            "content-security-policy": POLICY,
            "cache-control": "private, no-store",
            "vary": "Accept, Cookie",
        }
        body = self.draw(request, name, **told)
        return Response(body, status, headers, media_type="text/html; charset=utf-8")

    def draw(self, request: Request, name: str, **told: Any) -> str:
        """Draw a template as text: a page, or the piece of one that a stream sends."""
        template = self._environment.get_template(name)
        return template.render({**_surroundings(request), **told})

    def problem(self, request: Request, problem: Mapping[str, Any]) -> Response | None:
        """Draw an error; who is not signed in is sent to sign in, and comes back afterwards.

        None, if no browser asks.
        """
        if not wants_page(request.scope):
            return None
        status = int(problem["status"])
        if status == HTTPStatus.UNAUTHORIZED:
            if follows(request):
                return Response(status_code=200, headers={"hx-refresh": "true"})
            back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            asked = f"?next={quote(back, safe='')}" if request.method in SAFE else ""
            return RedirectResponse(self.menu.sign_in + asked, int(HTTPStatus.SEE_OTHER))
        return self.show(request, "problem.html", status, problem=problem)

    def _address(self, name: str) -> str:
        return f"{self.prefix}/look/{name}?v={self._assets[name].digest}"


def form(request: Request) -> dict[str, str]:
    """Return the fields of the form that came."""
    return form_of(asked_of(request).body)


def follows(request: Request) -> bool:
    """Say whether a script of ours asks for a piece of a page that is open already."""
    return header(request.scope, b"hx-request") == "true"


def credential(request: Request) -> str:
    """Return the Authorization by which the reader was let in, to ask a peer in his name."""
    session = asked_of(request).session
    return f"Bearer {session}" if session else header(request.scope, b"authorization") or ""


def filled(model: type[M], values: Mapping[str, Any]) -> M:
    """Return the model that a form fills; what it has no field for is passed over.

    Raises: FormInvalid.
    """
    known = {name: values[name] for name in model.model_fields if name in values}
    try:
        return model.model_validate(known)
    except ValidationError as fault:
        raise FormInvalid(field_errors(fault.errors())) from None


def see(path: str) -> Response:
    """Send the browser on after its POST, so that loading the page again repeats nothing."""
    return RedirectResponse(path, int(HTTPStatus.SEE_OTHER))


def reader(request: Request) -> Reader:
    """Return how this reader writes numbers and times."""
    languages = header(request.scope, b"accept-language") or ""
    return reader_of(languages, cookies_of(request.scope).get(ZONE, ""))


def _surroundings(request: Request) -> dict[str, Any]:
    """Return what every page knows: who reads it, how, and what its forms must bring along."""
    asked: Asked | None = request.scope.get(ASKED)
    session = asked.session if asked else None
    new_id: Callable[[], str] = request.app.state.new_id
    return {
        "me": asked.principal if asked and asked.principal.kind == "user" else None,
        "form_token": form_token(session) if session else "",
        "once": new_id(),
        "read": reader(request),
        "path": request.url.path,
        "now": request.app.state.clock(),
    }


def _assets(more: Mapping[str, bytes]) -> dict[str, Asset]:
    """Read our style and scripts, and htmx out of its wheel; add further files."""
    spec = find_spec("django_htmx")
    assert spec is not None, "the wheel with htmx is a dependency"  # noqa: S101
    wheel = Path(str(spec.origin)).parent / "static" / "django_htmx"
    files = {
        "look.css": [LOOK / "look.css"],
        "reader.js": [LOOK / "reader.js"],
        # One file: htmx looks through the page as it starts, and must know of streams by then.
        "live.js": [
            LOOK / "keeping.js",
            wheel / "htmx-4.min.js",
            wheel / "ext" / "hx-sse-4.min.js",
            LOOK / "follow.js",
            LOOK / "staying.js",
        ],
    }
    read = {name: b";\n".join(path.read_bytes() for path in paths) for name, paths in files.items()}
    found = {}
    for name, body in {**read, **more}.items():
        digest = sha256(body).hexdigest()[:12]
        packed = gzip.compress(body, mtime=0)
        found[name] = Asset(body, packed, KINDS[Path(name).suffix], digest)
    return found
