"""From a case to a mail to a decision: a real mail server, a link that decides once, PostgreSQL."""

import asyncio
import re
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog
import yaml
from pydantic import SecretStr

from contracts import places
from contracts.approval import (
    ApprovalGranted,
    ApprovalRejected,
    ApprovalStepGranted,
    DiscountApprovalRequested,
    LateDecisionRecorded,
)
from infra.deliveries import Sender, client
from infra.mail import MAIL, mailer_of
from infra.outbox import DueDelivery, PostgresOutbox
from services.approvals.domain.mailing import LIFETIME
from tests.integration.approval_browser import (
    FINANCE,
    OTHER,
    REGIONAL,
    Approvals,
    forms_of,
    running,
    text_of,
)
from tests.integration.test_approval_pages import with_reason
from tests.unit.approvals.offers import CATALOGUE, recalled, submitted
from tests.unit.infra.smtp_server import MailServer, mail_server

ASKED = [REGIONAL, FINANCE]
LINK = re.compile(r"http://quotes\.example(/approvals/mail/([A-Za-z0-9_-]{43}))")


class Mailed(Approvals):
    """The service with a mail server, and holders of links who are not signed in."""

    server: MailServer

    def posts(self) -> None:
        """Send what is due, as the service's own sender does."""
        plumbing, http = self.service.plumbing, client()
        outbox = PostgresOutbox(plumbing.pool)
        sender = Sender(outbox, {}, http, self.clock, lambda most: most)
        sender.mailer = mailer_of(self.settings, self.service.parts.letters)
        sender.run_once()
        sender.close()
        http.close()

    def link(self, fact: Any = None, to: str = REGIONAL) -> tuple[UUID, str]:
        """Open a case and get the mail; returns the case and the path of the mail's link."""
        case = self.hear(submitted() if fact is None else fact)
        return case, self.path_to(to)

    def path_to(self, approver: str) -> str:
        self.posts()
        mine = [each for each in self.server.got if each["To"] == f"{approver}@example.com"]
        (path, _) = LINK.search(mine[-1].get_body(("plain",)).get_content()).groups()
        return path

    def opens(self, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        """Ask as a browser in which nobody has signed in."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            headers = {"accept": "text/html", "accept-language": "en-GB", **more.pop("headers", {})}
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as browser:
                return await browser.request(method, path, headers=headers, **more)

        return asyncio.run(ask())

    def form(self, path: str, verdict: str = "approve", **more: str) -> dict[str, str]:
        page = self.opens(path).text
        forms = re.findall(rf'<form[^>]*action="{path}".*?</form>', page, re.DOTALL)
        found = {}
        for form in forms:
            pairs = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
            found[pairs["verdict"]] = pairs
        return found[verdict] | {"reason": ""} | more

    def rows(self, statement: str) -> list[dict[str, Any]]:
        return self.service.plumbing.query(statement)


def catalogue(tmp_path: Path) -> Path:
    """The example's policy, and a directory in which two approvers have an address."""
    place = tmp_path / "catalogue"
    place.mkdir()
    shutil.copytree(CATALOGUE / "approval_policies", place / "approval_policies")
    directory = yaml.safe_load((CATALOGUE / "directory.yaml").read_text(encoding="utf-8"))
    for each in directory["approvers"]:
        if each["id"] in ASKED:
            each["mail"] = f"{each['id']}@example.com"
    (place / "directory.yaml").write_text(yaml.safe_dump(directory), encoding="utf-8")
    return place


@pytest.fixture
def mailed(make_database: Any, clock: Any, tmp_path: Path) -> Iterator[Mailed]:
    with mail_server() as server:
        more = {
            "smtp_url": SecretStr(server.url),
            "mail_from": "quotes@sales.example",
            "public_url": "http://quotes.example",
            "catalog_dir": catalogue(tmp_path),
        }
        with running(make_database, clock, tmp_path, kind=Mailed, **more) as service:
            service.server = server
            yield service


# ---- the mail


def test_who_can_decide_and_has_an_address_gets_a_mail_in_plain_text_and_html(mailed):
    mailed.hear(submitted())
    mailed.posts()
    (mail,) = mailed.server.got
    assert mail["To"] == f"{REGIONAL}@example.com"
    assert mail["Subject"] == "Approval of Q-1042, revision 1"
    plain = mail.get_body(("plain",)).get_content()
    rich = mail.get_body(("html",)).get_content()
    for each in ("Q-1042", "18%", "€820.00", "24 Nov 2026, 09:00", "competitor is 15 % lower"):
        assert each in plain
        assert each in rich
    assert LINK.search(plain).group() == LINK.search(rich).group()
    for each in ("argin", "246", "30%"):
        assert each not in plain + rich


def test_the_service_sends_by_itself_as_soon_as_a_case_is_open(mailed):
    mailed.service.start()
    mailed.hear(submitted())
    until = time.monotonic() + 10
    while not mailed.server.got and time.monotonic() < until:
        time.sleep(0.02)
    assert [each["To"] for each in mailed.server.got] == [f"{REGIONAL}@example.com"]


def test_a_mail_that_is_tried_again_has_the_same_message_id_and_a_link_with_its_own_hours(mailed):
    mailed.server.answers = [451]
    mailed.hear(submitted())
    mailed.posts()
    assert mailed.server.got == []
    mailed.clock.advance(minutes=20)
    path = mailed.path_to(REGIONAL)
    (mail,) = mailed.server.got
    ends = mailed.rows("SELECT expires_at FROM mail_tokens ORDER BY 1")
    assert [each["expires_at"] for each in ends] == [
        mailed.clock() + LIFETIME - timedelta(minutes=20),
        mailed.clock() + LIFETIME,
    ]
    assert mail["Message-ID"].endswith("@sales.example>")
    assert mailed.opens(path).status_code == 200


def sent_twice(mailed: Mailed) -> tuple[UUID, str, str]:
    """A mail that the server took and nobody heard of it, so that it is sent again later."""
    case, first = mailed.link()
    mailed.clock.advance(hours=70)
    step = {"case_id": str(case), "step": 1, "approver": REGIONAL}
    due = DueDelivery("x", MAIL, "mail", step, case, 1, 0, mailed.clock())
    letter = mailed.service.parts.letters(due)
    return case, first, LINK.search(letter.text).group(1)


def test_a_mail_sent_again_does_not_make_the_first_link_last_longer(mailed):
    _, first, second = sent_twice(mailed)
    assert first != second
    mailed.clock.advance(hours=2)
    assert "This link has run out." in text_of(mailed.opens(first).text)
    assert "This link decides once" in text_of(mailed.opens(second).text)


def test_of_two_mails_for_one_step_one_decides(mailed):
    case, first, second = sent_twice(mailed)
    forms = mailed.form(first), mailed.form(second, "reject", reason="too much")
    assert mailed.opens(first, "POST", data=forms[0]).status_code == 303
    again = mailed.opens(second, "POST", data=forms[1])
    assert (again.status_code, "This link was used" in text_of(again.text)) == (410, True)
    assert mailed.facts(case) == [DiscountApprovalRequested, ApprovalGranted]


def test_what_is_long_over_is_forgotten_with_the_next_mail(mailed):
    mailed.link()
    mailed.clock.advance(days=94)
    mailed.hear(submitted(), 9)
    mailed.posts()
    (row,) = mailed.rows("SELECT expires_at FROM mail_tokens")
    assert row["expires_at"] == mailed.clock() + LIFETIME


def test_a_mail_that_is_late_for_its_step_is_not_sent(mailed):
    case = mailed.hear(submitted())
    mailed.send(case, forms_of(mailed.page(case, OTHER))["approve"], OTHER)
    mailed.posts()
    assert mailed.server.got == []
    left = mailed.rows("SELECT key FROM deliveries WHERE target = 'mailto:'")
    assert (left, mailed.rows("SELECT 1 FROM mail_tokens")) == ([], [])


def test_a_reader_who_is_refused_is_stuck_where_operators_look(mailed):
    mailed.server.answers = [550] * 3
    mailed.hear(submitted())
    for _ in range(4):
        mailed.posts()
        mailed.clock.advance(minutes=20)
    stuck = mailed.rows(
        "SELECT last_error FROM deliveries WHERE state = 'stuck' AND key LIKE '%mail%'"
    )
    assert stuck == [{"last_error": "the mail server answers 550"}]


def test_the_token_stands_in_no_table_and_in_no_line_of_the_log(mailed):
    with structlog.testing.capture_logs() as lines:
        _, path = mailed.link()
        mailed.opens(path)
        mailed.opens(path, "POST", data=mailed.form(path))
    token = path.rpartition("/")[2]
    assert lines
    assert token not in str(lines)
    assert f"{REGIONAL}@example.com" not in str(lines)
    tables = mailed.rows(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    )
    assert {"deliveries", "events", "mail_tokens"} <= {each["table_name"] for each in tables}
    for each in tables:
        assert (
            mailed.rows(
                f"SELECT 1 FROM {each['table_name']} AS t WHERE strpos(t::text, '{token}') > 0"
            )
            == []
        ), each


def test_html_in_what_the_seller_wrote_is_text_in_the_mail_and_can_not_add_a_header(mailed):
    mailed.hear(with_reason("<img src=x onerror=alert(1)>\r\nBcc: eve@evil.example\r\n.\r\n"))
    mailed.posts()
    (mail,) = mailed.server.got
    assert mail["Bcc"] is None
    rich = mail.get_body(("html",)).get_content()
    assert "<img" not in rich
    assert "&lt;img src=x" in rich
    plain = mail.get_body(("plain",)).get_content()
    assert "\n- <img src=x onerror=alert(1)> Bcc: eve@evil.example .\n" in plain, "one line each"
    assert "Look at it and decide" in plain


# ---- the link


def test_a_link_shows_what_its_approver_may_see_without_signing_in(mailed):
    _, path = mailed.link()
    answer = mailed.opens(path)
    words = text_of(answer.text)
    assert answer.status_code == 200
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == (
        "private, no-store", "no-referrer",
    )  # fmt: skip
    for each in ("You decide as appr-regional-1", "Margin (internal) 30%", "Discount 18%"):
        assert each in words
    assert "Sign out" not in words and "Ask the seller" not in words


def test_looking_never_decides_however_often_and_by_whichever_method(mailed):
    case, path = mailed.link()
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        for accept in ("text/html", "*/*"):
            mailed.opens(path, method, headers={"accept": accept})
    mailed.opens(f"{path}?verdict=approve&content_key={'c' * 64}")
    assert mailed.facts(case) == [DiscountApprovalRequested]
    assert mailed.rows("SELECT used_at FROM mail_tokens") == [{"used_at": None}]


def test_a_link_decides_once_and_says_what_it_did(mailed):
    case, path = mailed.link()
    form = mailed.form(path)
    answer = mailed.opens(path, "POST", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert mailed.facts(case) == [DiscountApprovalRequested, ApprovalGranted]
    after = text_of(mailed.opens(path).text)
    assert "Your decision is recorded: you approved step 1. The case is granted." in after
    assert "This link was used" in after
    assert "argin" not in after
    # The same click once more is one decision; another one is refused.
    assert mailed.opens(path, "POST", data=form).status_code == 303
    again = mailed.opens(path, "POST", data=form | {"once": "another"})
    assert (again.status_code, "This link was used" in text_of(again.text)) == (410, True)
    assert len(mailed.facts(case)) == 2


def test_the_fact_names_the_approver_and_that_it_came_by_mail(mailed):
    case, path = mailed.link()
    mailed.opens(path, "POST", data=mailed.form(path, reason="by phone"))
    recorded = mailed.service.plumbing.read(f"approvals.case/{case}")[-1]
    assert recorded.meta.actor == "system/mail"
    (grant,) = recorded.fact.grants
    assert (grant.by, grant.reason) == (REGIONAL, "by phone")


def test_two_clicks_at_the_same_moment_are_one_decision(mailed):
    case, path = mailed.link(submitted("25"))
    form = mailed.form(path)
    statuses = []
    threads = [
        threading.Thread(
            target=lambda n=number: statuses.append(
                mailed.opens(path, "POST", data=form | {"once": f"click-{n}"}).status_code
            )
        )
        for number in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(statuses) == [303, 410, 410, 410]
    assert mailed.facts(case) == [DiscountApprovalRequested, ApprovalStepGranted]


def test_a_rejection_needs_its_reason_and_a_refusal_does_not_use_the_link_up(mailed):
    case, path = mailed.link()
    refused = mailed.opens(path, "POST", data=mailed.form(path, "reject"))
    assert refused.status_code == 422
    assert 'id="e-reject"' in refused.text
    assert mailed.facts(case) == [DiscountApprovalRequested]
    mailed.opens(path, "POST", data=mailed.form(path, "reject", reason="the margin is needed"))
    assert mailed.facts(case)[-1] is ApprovalRejected
    assert "you rejected step 1" in text_of(mailed.opens(path).text)


def test_a_link_runs_out_after_72_hours(mailed):
    case, path = mailed.link()
    form = mailed.form(path)
    mailed.clock.advance(hours=72)
    for answer in (mailed.opens(path), mailed.opens(path, "POST", data=form)):
        assert answer.status_code == 410
        assert "This link has run out." in text_of(answer.text)
        assert "argin" not in answer.text
    assert mailed.facts(case) == [DiscountApprovalRequested]


def test_a_link_for_a_step_that_is_decided_decides_nothing(mailed):
    case, path = mailed.link(submitted("25"))
    form = mailed.form(path)
    mailed.send(case, forms_of(mailed.page(case, OTHER))["approve"], OTHER)
    for answer in (mailed.opens(path), mailed.opens(path, "POST", data=form)):
        assert answer.status_code == 410
        assert "Step 1 is decided already." in text_of(answer.text)
    assert mailed.facts(case) == [DiscountApprovalRequested, ApprovalStepGranted]
    # The next step's own link does.
    second = mailed.path_to(FINANCE)
    mailed.opens(second, "POST", data=mailed.form(second))
    assert mailed.facts(case)[-1] is ApprovalGranted


def test_a_decision_on_a_case_that_was_recalled_is_recorded_and_no_longer_applies(mailed):
    case, path = mailed.link()
    form = mailed.form(path)
    mailed.hear(recalled(), 8)
    seen = text_of(mailed.opens(path).text)
    assert "There is nothing to decide any more. The case is recalled already." in seen
    assert mailed.opens(path, "POST", data=form).status_code == 303
    assert mailed.facts(case)[-1] is LateDecisionRecorded
    after = text_of(mailed.opens(path).text)
    assert "Your decision is recorded; it no longer applies. The case was recalled" in after


@pytest.mark.parametrize("token", ["x", "A" * 43, "..%2f..", "x" * 3000, "'; DROP TABLE cases--"])
def test_a_link_that_nobody_sent_leads_nowhere_and_says_nothing_of_cases(mailed, token):
    mailed.hear(submitted())
    for method in ("GET", "POST"):
        more = {"data": {"verdict": "approve"}} if method == "POST" else {}
        answer = mailed.opens(f"/approvals/mail/{token}", method, **more)
        assert answer.status_code in {404, 405}
        assert "Q-1042" not in answer.text


def test_a_form_from_another_site_is_refused(mailed):
    case, path = mailed.link()
    headers = {"sec-fetch-site": "cross-site"}
    answer = mailed.opens(path, "POST", data=mailed.form(path), headers=headers)
    assert answer.status_code == 403
    assert mailed.facts(case) == [DiscountApprovalRequested]


def test_a_signed_in_approver_decides_as_before(mailed):
    case, path = mailed.link()
    mailed.send(case, forms_of(mailed.page(case))["approve"])
    assert mailed.facts(case)[-1] is ApprovalGranted
    assert "The case is granted already." in text_of(mailed.opens(path).text)
    assert places.case(case) in mailed.opens(path).text
    assert timedelta(hours=72) == LIFETIME


# ---- settings


def test_without_a_mail_server_nobody_is_asked_by_mail(make_database, clock, tmp_path):
    with running(
        make_database, clock, tmp_path, catalog_dir=catalogue(tmp_path), kind=Mailed
    ) as service:
        service.hear(submitted())
        assert service.rows("SELECT 1 FROM deliveries WHERE target = 'mailto:'") == []
