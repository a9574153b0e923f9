"""The door of pictures: a drawing of the catalogue, by the hash of what it holds."""

from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from contracts.errors import NotFound
from infra.pages import KINDS
from services.configurator.api import Caller
from services.configurator.pictures import ADDRESS, Pictures

# Opened by itself a drawing runs nothing and loads nothing; its own style may colour it.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
FOR_A_YEAR = "private, max-age=31536000, immutable"


class UnknownPicture(NotFound):
    """The catalogue has no such drawing, or has another one in its place by now."""

    code = "configuration.unknown_picture"


def routes(pictures: Pictures) -> APIRouter:
    """Return the route of drawings; their addresses stand with the questions of a product."""
    router = APIRouter(prefix=ADDRESS)

    @router.get("/{name}", response_class=Response)
    def picture(
        name: str, _caller: Caller, if_none_match: Annotated[str | None, Header()] = None
    ) -> Response:
        """Give a drawing (SVG); the same address is the same drawing for ever."""
        found = pictures.drawings.get(name)
        if found is None:
            raise UnknownPicture("there is no such picture; load the questions anew")
        etag = f'"{name.removesuffix(".svg")}"'
        headers = {"content-security-policy": POLICY, "cache-control": FOR_A_YEAR, "etag": etag}
        if if_none_match and etag in if_none_match:
            return Response(status_code=304, headers=headers)
        return Response(found, media_type=KINDS[".svg"], headers=headers)

    return router
