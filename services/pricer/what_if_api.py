"""The doors of what-ifs: try a book on past quotes, watch it, cancel it, take the rows along."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.responses import StreamingResponse

from contracts.values import Value
from infra.auth import Principal
from infra.bus import Bell
from infra.web import allow, cause_of
from infra.work import Cause
from services.pricer.asks import Asks
from services.pricer.authoring_api import Writer
from services.pricer.domain.what_ifs.outcome import Row
from services.pricer.domain.what_ifs.report import report
from services.pricer.library import Library
from services.pricer.what_if_asks import WhatIfAsk, candidate
from services.pricer.what_if_files import csv_file, parquet_file
from services.pricer.what_ifs import WhatIf, WhatIfs

Why = Annotated[Cause, Depends(cause_of)]
Keeper = Annotated[Principal, Depends(allow("manager", "admin"))]
Insider = Annotated[Principal, Depends(allow("approver", "manager", "admin"))]
LISTED_MAX = 200
Form = Literal["csv", "parquet"]
MEDIA: dict[Form, str] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
FILES: dict[Form, Callable[[Iterator[list[Row]]], Iterator[bytes]]] = {
    "csv": csv_file,
    "parquet": parquet_file,
}  # fmt: skip


class WhatIfAnswer(Value):
    """A what-if as it stands; the report grows until it is over."""

    what_if: WhatIf
    percent: int
    report: dict[str, Any] | None


class WhatIfDesk:
    """What doors and pages of what-ifs work with."""

    def __init__(self, what_ifs: WhatIfs, asks: Asks, library: Library, bell: Bell) -> None:
        self.what_ifs = what_ifs
        self.asks = asks
        self.library = library
        self._bell = bell

    def begin(self, ask: WhatIfAsk, cause: Cause) -> WhatIf:
        """Ask for a what-if.   Raises: CandidateRefused, BookUnknown, TooManyWhatIfs."""
        found = self.what_ifs.begin(cause, ask.name, ask.quotes, candidate(ask, self.library))
        self._bell.ring()
        return found

    def file(self, what_if_id: UUID, form: Form) -> StreamingResponse:
        """Return the rows found so far as a file.   Raises: NoSuchWhatIf."""
        self.what_ifs.of(what_if_id)
        headers = {
            "content-disposition": f'attachment; filename="what-if-{what_if_id}.{form}"',
            "cache-control": "private, no-store",
        }
        body = FILES[form](self.what_ifs.parts(what_if_id))
        return StreamingResponse(body, media_type=MEDIA[form], headers=headers)


def routes(desk: WhatIfDesk) -> APIRouter:
    """Return the routes below /pricer/what-ifs."""
    router = APIRouter(prefix="/pricer/what-ifs")

    @router.post("", status_code=202)
    def begin(ask: WhatIfAsk, cause: Why, _writer: Writer) -> WhatIfAnswer:
        """Try a book on past quotes; it is carried out in the background and changes no price."""
        return _answer(desk.begin(ask, cause), None)

    @router.get("")
    def listed(
        _insider: Insider, limit: Annotated[int, Query(ge=1, le=LISTED_MAX)] = 50
    ) -> list[WhatIfAnswer]:
        """List what was tried, the newest first, without what was found."""
        return [_answer(each, None) for each in desk.what_ifs.newest(limit)]

    @router.get("/{what_if_id}")
    def one(what_if_id: UUID, _insider: Insider) -> WhatIfAnswer:
        """Say how far a what-if is, and what it found so far."""
        found = desk.what_ifs.of(what_if_id)
        return _answer(found, report(desk.what_ifs.tally(found)))

    @router.post("/{what_if_id}/cancel")
    def cancel(what_if_id: UUID, cause: Why, _keeper: Keeper) -> WhatIfAnswer:
        """End a what-if; what it found so far stays."""
        return _answer(desk.what_ifs.cancel(cause, what_if_id), None)

    @router.get("/{what_if_id}/quotes.{form}")
    def rows(what_if_id: UUID, form: Form, _insider: Insider) -> StreamingResponse:
        """Give one row per quote, before and after, as a CSV or a Parquet file."""
        return desk.file(what_if_id, form)

    return router


def _answer(what_if: WhatIf, found: dict[str, Any] | None) -> WhatIfAnswer:
    bare = what_if.but({"report": None})
    return WhatIfAnswer(what_if=bare, percent=what_if.percent, report=found)
