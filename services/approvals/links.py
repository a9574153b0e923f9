"""One-time links in mails: drawn when a mail is sent, kept as hashes, used up by a decision."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from infra.work import Commands, Work
from services.approvals.domain.mailing import LIFETIME, Link, NoSuchLink

PATH = "/approvals/mail"
TOKEN_BYTES = 32
# So long a link that has run out still says so; then it leads nowhere.
REMEMBERED = timedelta(days=90)
KEEP = """
INSERT INTO mail_tokens (token_sha256, case_id, step, approver, expires_at)
VALUES (%(token_sha256)s, %(case_id)s, %(step)s, %(approver)s, %(expires_at)s)
"""
FORGET = "DELETE FROM mail_tokens WHERE expires_at < %(before)s"
# A mail that was sent twice has two links; who has decided by one has decided by both.
FIND = """
SELECT case_id, step, approver, expires_at,
       (SELECT min(every.used_at) FROM mail_tokens AS every
        WHERE (every.case_id, every.step, every.approver) = (it.case_id, it.step, it.approver)
       ) AS used_at
FROM mail_tokens AS it
WHERE token_sha256 = %(token_sha256)s
"""
USE = """
UPDATE mail_tokens SET used_at = %(now)s
WHERE (case_id, step, approver) = (%(case_id)s, %(step)s, %(approver)s) AND used_at IS NULL
"""


def drawn() -> str:
    """Return the token of a new link: 256 random bits that only the mail's reader gets."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def keep(work: Work, token: str, link: tuple[UUID, int, str]) -> None:
    """Keep the hash of a link's token; the link is good from now on. Forget what is long over."""
    case_id, step, approver = link
    row = {
        "case_id": case_id,
        "step": step,
        "approver": approver,
        "token_sha256": hashed(token),
        "expires_at": work.now + LIFETIME,
    }
    work.sql(FORGET, {"before": work.now - REMEMBERED})
    work.sql(KEEP, row)


def find(desk: Commands | Work, token: str) -> Link:
    """Return the link of a token, read by its hash.   Raises: NoSuchLink."""
    asked = {"token_sha256": hashed(token)}
    rows = desk.rows(FIND, asked) if isinstance(desk, Work) else desk.query(FIND, asked)
    if not rows:
        raise NoSuchLink("this link leads nowhere; open it from the mail once more, as a whole")
    return _link(rows[0])


def use(work: Work, link: Link, now: datetime) -> None:
    """Use up every link of this step and approver, with the decision that this work records."""
    where = {"case_id": link.case_id, "step": link.step, "approver": link.approver}
    work.sql(USE, {**where, "now": now})


def hashed(token: str) -> str:
    """Return the hash under which a token is kept."""
    return sha256(token.encode()).hexdigest()


def _link(row: Mapping[str, Any]) -> Link:
    return Link.model_validate(dict(row))
