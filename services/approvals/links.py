"""One-time links in mails: derived when a mail is sent, kept as hashes, used up by a decision."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from infra.work import Commands, Work
from services.approvals.domain.mailing import LIFETIME, Link, NoSuchLink

MIN_KEY_BYTES = 32
PATH = "/approvals/mail"
# A mail that is sent again holds the same link, for as long again; a used one stays used.
KEEP = """
INSERT INTO mail_links (case_id, step, approver, token_sha256, expires_at)
VALUES (%(case_id)s, %(step)s, %(approver)s, %(token_sha256)s, %(expires_at)s)
ON CONFLICT (case_id, step, approver) DO UPDATE SET
    token_sha256 = excluded.token_sha256, expires_at = excluded.expires_at
    WHERE mail_links.used_at IS NULL
"""
FIND = """
SELECT case_id, step, approver, expires_at, used_at FROM mail_links
WHERE token_sha256 = %(token_sha256)s
"""
USE = """
UPDATE mail_links SET used_at = %(now)s
WHERE (case_id, step, approver) = (%(case_id)s, %(step)s, %(approver)s) AND used_at IS NULL
"""


class Tokens:
    """Derives the token of a link from a secret key; 256 bits that only the mail's reader gets."""

    def __init__(self, key: bytes) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"the link key needs at least {MIN_KEY_BYTES} bytes")
        self._key = key

    def of(self, case_id: UUID, step: int, approver: str) -> str:
        """Return the token: base64url of HMAC-SHA256, 43 characters."""
        # The customers' links are derived from the same key; they begin with no such word.
        said = f"approvals.mail/{case_id}/{step}/{approver}".encode()
        digest = hmac.new(self._key, said, sha256).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


def keep(work: Work, token: str, link: tuple[UUID, int, str]) -> None:
    """Keep the hash of a link's token; the link is good from now on."""
    case_id, step, approver = link
    row = {
        "case_id": case_id,
        "step": step,
        "approver": approver,
        "token_sha256": hashed(token),
        "expires_at": work.now + LIFETIME,
    }
    work.sql(KEEP, row)


def find(desk: Commands | Work, token: str) -> Link:
    """Return the link of a token, read by its hash.   Raises: NoSuchLink."""
    asked = {"token_sha256": hashed(token)}
    rows = desk.rows(FIND, asked) if isinstance(desk, Work) else desk.query(FIND, asked)
    if not rows:
        raise NoSuchLink("this link leads nowhere; open it from the mail once more, as a whole")
    return _link(rows[0])


def use(work: Work, link: Link, now: datetime) -> None:
    """Use the link up, together with the decision that this work records."""
    where = {"case_id": link.case_id, "step": link.step, "approver": link.approver}
    work.sql(USE, {**where, "now": now})


def hashed(token: str) -> str:
    """Return the hash under which a token is kept."""
    return sha256(token.encode()).hexdigest()


def _link(row: Mapping[str, Any]) -> Link:
    return Link.model_validate(dict(row))
