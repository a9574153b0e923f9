"""What an address of the inbox asks for."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict

from infra.auth import Principal
from services.approvals import views


class Wanted(BaseModel):
    """What the address of an inbox asks for; approvers see first what waits for them."""

    model_config = ConfigDict(frozen=True)

    show: Literal["mine", "all"] | None = None
    state: Literal["open", "granted", "rejected", "recalled", "any"] = "open"
    overdue: bool = False
    after: UUID | None = None
    after_due: AwareDatetime | None = None
    after_closed: AwareDatetime | None = None

    def seen_by(self, caller: Principal) -> "Wanted":
        """Return the same with nothing left open."""
        first: Literal["mine", "all"] = "mine" if "approver" in caller.roles else "all"
        return self.model_copy(update={"show": self.show or first})

    def filter(self, caller: Principal) -> views.Filter:
        """Return which cases are wanted."""
        return views.Filter(
            state=None if self.state == "any" else self.state,
            approver=caller.id if self.show == "mine" else None,
            overdue=self.overdue,
            after=views.After(self.after_closed, self.after_due, str(self.after))
            if self.after and self.after_due
            else None,
        )

    def query(self) -> str:
        """Return the query that asks for the same again."""
        asked = self.model_dump(mode="json", exclude_none=True)
        return urlencode({**asked, "overdue": "true"} if asked.pop("overdue") else asked)

    def behind(self, row: dict[str, Any]) -> str:
        """Return the query of the next page, which begins behind this row."""
        last = {
            "after": row["case_id"],
            "after_due": row["due_at"],
            "after_closed": row["closed_at"],
        }
        return self.model_validate(self.model_dump() | last).query()


Asked = Annotated[Wanted, Query()]
