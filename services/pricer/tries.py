"""What-ifs that tried a version: what stands beside its form to publish, told apart by content."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.work import Commands
from services.pricer.domain.releases.releasing import Release
from services.pricer.domain.what_ifs.report import report
from services.pricer.what_ifs import HEAD, WhatIf, WhatIfs

SHOWN_MAX = 3
# A book as it was tried holds the hash of its content, and can not hold that of another one it is.
TRIED = f"""
WITH newest AS (
    SELECT what_if_id FROM what_ifs
    WHERE changes ->> 'kind' <> 'changed' AND changes ->> 'book' = %(book)s
    ORDER BY asked_at DESC, what_if_id LIMIT {SHOWN_MAX}
)
SELECT {HEAD}, report, position(%(mark)s IN book) > 0 AS is_same
FROM what_ifs JOIN newest USING (what_if_id) ORDER BY asked_at DESC, what_if_id
"""  # noqa: S608  our own words


@dataclass(frozen=True, slots=True)
class Try:
    """One what-if of a version; `is_same`: it tried the content that the version has now."""

    what_if: WhatIf
    is_same: bool
    found: Mapping[str, Any]


class Tries:
    """Finds the what-ifs of a version."""

    def __init__(self, commands: Commands, what_ifs: WhatIfs) -> None:
        self._commands = commands
        self._what_ifs = what_ifs

    def of(self, release: Release) -> tuple[Try, ...]:
        """Return the newest what-ifs of a price book's version; an FX table has none."""
        if release.kind != "book":
            return ()
        book = f"{release.id} version {release.version}"
        mark = f'"sha256":"{release.sha256}"'.encode()
        rows = self._commands.query(TRIED, {"book": book, "mark": mark})
        return tuple(self._try(row) for row in rows)

    def _try(self, row: Mapping[str, Any]) -> Try:
        tree = dict(row)
        is_same = bool(tree.pop("is_same"))
        what_if = WhatIf.model_validate(tree)
        return Try(what_if, is_same, report(self._what_ifs.tally(what_if)))
