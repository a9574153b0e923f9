"""Answers that come too late, twice, at once, or to something else: one outcome, said plainly."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from contracts.quote import OrderPlaced
from tests.e2e.facts import ABOVE
from tests.e2e.place import Json, Place, deal_of, items_of

RACES = 3


class TestAcceptances:
    """The customer accepts exactly what was shown, or learns why not."""

    def test_an_altered_document_is_refused(self, embedded: Place) -> None:
        record = embedded.opens("street_micro")
        number = embedded.told(record, "Presented")["number"]
        yes = {"name": "A. Example", "document_sha256": "0" * 64}
        path = f"{embedded.link(number, 1)}/accept"
        problem = embedded.customer.refused("POST", path, yes, status=409)
        assert problem["code"] == "quote.document_differs"
        assert embedded.quote(number)["status"] == "presented"

    def test_a_guessed_link_shows_nothing(self, embedded: Place) -> None:
        record = embedded.opens("street_micro")
        link = embedded.link(embedded.told(record, "Presented")["number"], 1)
        for wrong in (link[:-1] + ("A" if link[-1] != "A" else "B"), link.replace("/1/", "/2/")):
            problem = embedded.customer.refused("GET", wrong, status=404)
            assert problem["code"] == "quote.offer_not_found"

    def test_an_accepted_offer_is_not_accepted_again(self, embedded: Place) -> None:
        record = embedded.opens("street_micro")
        told = embedded.told(record, "Presented")
        embedded.accepts(told)
        yes = {"name": "B. Example", "document_sha256": told["document_sha256"]}
        path = f"{embedded.link(told['number'], 1)}/accept"
        problem = embedded.customer.refused("POST", path, yes, status=409)
        assert (problem["code"], problem["outcome"]) == ("quote.offer_closed", "accepted")
        assert embedded.heard_of(told["number"], "OrderPlaced").count("OrderPlaced") == 1

    @pytest.mark.parametrize("race", range(RACES))
    def test_of_two_siblings_accepted_at_once_exactly_one_wins(
        self, embedded: Place, race: int
    ) -> None:
        record = embedded.opens("street_micro")
        told = [embedded.told(record, "Presented")]
        other = embedded.drafts(record)["number"]
        embedded.edits(other, items_of("street_micro"), submit=True)
        told.append(embedded.told(record, "Presented", number=other))
        links = [embedded.link(each["number"], 1) for each in told]
        start = threading.Barrier(len(links))

        def accept(one: tuple[str, Json]) -> httpx.Response:
            yes = {"name": "A. Example", "document_sha256": one[1]["document_sha256"]}
            start.wait(10)
            url = f"{embedded.stage.url}{one[0]}/accept"
            return httpx.post(url, json=yes, timeout=30, trust_env=False)

        with ThreadPoolExecutor(len(links)) as threads:
            answers = list(threads.map(accept, zip(links, told, strict=True)))
        statuses = [each.status_code for each in answers]
        assert sorted(statuses) == [200, 409]
        loser = answers[statuses.index(409)].json()
        assert loser["code"] in {"quote.deal_ordered", "quote.offer_closed"}
        embedded.told(record, "Ordered")
        orders = embedded.sql(
            "SELECT count(*) FROM crm_projector.fact_log WHERE deal_id = %s AND type = %s",
            (deal_of(record), OrderPlaced.wire_type()),
        )
        assert orders == [(1,)], race


class TestCommands:
    """The same command is one outcome; two writers lose nothing."""

    def test_the_same_idempotency_key_is_one_outcome_and_another_body_is_refused(
        self, embedded: Place
    ) -> None:
        record = embedded.opens(None)
        embedded.drafts(record)
        path, key = f"/quotes/deals/{deal_of(record)}/quotes", uuid4().hex
        body = {"items": items_of("street_micro")}
        first = embedded.seller.post(path, body, idempotency_key=key)
        again = embedded.seller.post(path, body, idempotency_key=key)
        assert again["number"] == first["number"]
        problem = embedded.seller.refused(
            "POST", path, {"items": []}, status=409, idempotency_key=key
        )
        assert problem["code"] == "command.reused"
        deal = embedded.seller.get(f"/quotes/deals/{deal_of(record)}")
        assert len(deal["quotes"]) == 2

    def test_a_stale_if_match_is_refused_and_nothing_is_lost(self, embedded: Place) -> None:
        number = embedded.drafts(embedded.opens(None))["number"]
        path = f"/quotes/{number}/draft"
        seen = embedded.seller.ask("GET", f"/quotes/{number}").headers["etag"]
        mine = {"items": items_of("street_micro")[:1], "discounts": [], "submit": False}
        theirs = {**mine, "items": items_of("street_micro")[1:]}
        embedded.seller.put(path, mine, if_match=seen)
        other = embedded.person("seller", "seller-2")
        problem = other.refused("PUT", path, theirs, status=409, if_match=seen)
        assert problem["code"] == "quote.stale"
        kept = embedded.reaches(number, "priced")["current"]
        assert [each["item_id"] for each in kept["items"]] == ["street-site"]
        now = embedded.seller.ask("GET", f"/quotes/{number}").headers["etag"]
        other.put(path, theirs, if_match=now)
        after = embedded.reaches(number, "priced")["current"]
        assert [each["item_id"] for each in after["items"]] == ["street-hop"]


class TestApprovals:
    """Who may not decide, and what comes too late."""

    def test_an_opportunity_lost_while_approval_is_pending_ends_everything(
        self, embedded: Place
    ) -> None:
        record = embedded.opens("rural_lte", discounts=ABOVE)
        number = embedded.told(record, "PendingApproval")["number"]
        case = embedded.asked_to_approve(number)
        embedded.says("opportunity.lost", record, reason="The budget was cut")
        told = embedded.told(record, "Withdrawn")
        assert "The budget was cut" in told["reason"]
        recalled = embedded.stage.approvers.wait(
            lambda each: each["case_id"] == case["case_id"] and each["state"] == "recalled", 30
        )
        assert recalled["quote"] == number

        decided = embedded.decides(case, "approve", "Margin holds.")
        assert decided["outcome"] == "recorded_no_longer_applies"
        assert decided["case_outcome"] == "recalled"
        assert "no effect" in decided["message"]
        facts = embedded.heard_of(number, "LateDecisionRecorded")
        assert facts.count("ApprovalRecalled") == facts.count("QuoteWithdrawn") == 1
        assert "RevisionApproved" not in facts
        assert embedded.quote(number)["status"] == "withdrawn"

    def test_who_requested_a_discount_can_not_approve_it(self, embedded: Place) -> None:
        record = embedded.opens("rural_lte", discounts=ABOVE, owner_id="appr-regional-1")
        number = embedded.told(record, "PendingApproval")["number"]
        case = embedded.asked_to_approve(number)
        assert "appr-regional-1" not in case["approvers"]
        body = {"content_key": case["content_key"], "verdict": "approve", "reason": "Mine"}
        path = f"/approvals/cases/{case['case_id']}/decision"
        own = embedded.person("approver", "appr-regional-1")
        assert own.refused("POST", path, body, status=422)["code"] == "approval.own_request"
        stranger = embedded.person("approver", "appr-nobody-9")
        problem = stranger.refused("POST", path, body, status=403)
        assert problem["code"] == "approval.not_an_approver"
        named = embedded.person("approver", case["approvers"][0])
        assert named.post(path, body)["outcome"] == "granted"
        embedded.told(record, "Presented")

    def test_an_unsigned_callback_decides_nothing(self, embedded: Place) -> None:
        record = embedded.opens("rural_lte", discounts=ABOVE)
        number = embedded.told(record, "PendingApproval")["number"]
        case = embedded.asked_to_approve(number)
        body = {"case_id": case["case_id"], "content_key": case["content_key"]}
        body |= {"approver": case["approvers"][0], "verdict": "approve", "reason": ""}
        problem = embedded.customer.refused("POST", case["callback"], body, status=401)
        assert problem["code"] == "webhook.refused"
        assert embedded.quote(number)["status"] == "in_approval"

    def test_a_decision_on_other_content_is_refused(self, embedded: Place) -> None:
        record = embedded.opens("rural_lte", discounts=ABOVE)
        number = embedded.told(record, "PendingApproval")["number"]
        case = embedded.asked_to_approve(number)
        body = {"content_key": "0" * 64, "verdict": "approve", "reason": ""}
        approver = embedded.person("approver", case["approvers"][0])
        path = f"/approvals/cases/{case['case_id']}/decision"
        problem = approver.refused("POST", path, body, status=409)
        assert problem["code"] == "approval.stale_content"
        assert embedded.quote(number)["status"] == "in_approval"
