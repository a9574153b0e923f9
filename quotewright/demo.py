"""The demo: a CRM opens two opportunities of a catalogue.

One runs through untouched, one needs an approver's yes.
"""

import json
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from hashlib import sha256
from typing import Any

import httpx
from rich.console import Console

from contracts.errors import Unavailable
from infra.clock import wall_clock
from infra.reading import Clock
from infra.service import House, Serving
from quotewright import show
from quotewright.actors import Message, Partner
from quotewright.client import RUNNING, Client, token_for
from quotewright.house import BUILDERS
from quotewright.laptop import APPROVER_SYSTEM, CRM, Laptop
from quotewright.playing import opportunity, plan
from quotewright.walked import Walked

WALK_S = 60.0


class Stage:
    """A running house with a CRM and an approvers' system around it."""

    def __init__(self, laptop: Laptop, crm: Partner, approvers: Partner) -> None:
        self.laptop = laptop
        self.crm = crm
        self.approvers = approvers
        self.url = laptop.url

    def client(self, *roles: str, subject: str | None = None) -> Client:
        """Return a client that acts in the roles."""
        token = token_for(self.laptop.home, subject or f"{roles[0]}-1", list(roles))
        return Client(self.url, token)

    def say(self, kind: str, opportunity: Message) -> None:
        """Let the CRM say something of an opportunity.

        Raises: Unavailable, if it is not taken.
        """
        body = {
            "id": f"evt-{secrets.token_hex(16)}",
            "type": kind,
            "occurred_at": wall_clock().isoformat(),
            "opportunity": opportunity,
        }
        answer = self.crm.send(f"{self.url}/crm/webhooks/{CRM}", body)
        if not answer.is_success:
            raise Unavailable(f"the house does not take the CRM's webhook: {answer.text}")

    def told(self, record_id: str, status: str, timeout_s: float = WALK_S) -> Message:
        """Return the write-back that says the record's quote has this status, waiting for it."""
        return self.crm.wait(
            lambda each: each["record_id"] == record_id and each["status"] == status, timeout_s
        )


@contextmanager
def stage(
    laptop: Laptop,
    serve: Callable[[Laptop], AbstractContextManager[Any]] | None = None,
    clock: Clock = wall_clock,
) -> Iterator[Stage]:
    """Start the stand-ins and the house (`serve` may start it elsewhere), end them in turn."""
    with ExitStack() as stack:
        stack.enter_context(laptop)
        crm = Partner("the CRM", laptop.secrets.crm_outbound, laptop.secrets.crm_inbound, clock)
        stack.callback(crm.close)
        approvers = Partner(
            "the approvers",
            laptop.secrets.approvals_outbound,
            laptop.secrets.approvals_inbound,
            clock,
        )
        stack.callback(approvers.close)
        laptop.endpoints = {CRM: crm.url, APPROVER_SYSTEM: approvers.url}
        stack.enter_context(serve(laptop) if serve else Serving(House(laptop.settings(), BUILDERS)))
        running = laptop.home / RUNNING
        running.write_text(json.dumps({"url": laptop.url}), encoding="utf-8")
        stack.callback(running.unlink, missing_ok=True)
        yield Stage(laptop, crm, approvers)


def ready(place: Stage, timeout_s: float = WALK_S) -> None:
    """Wait until the house says that it can serve; the first time the printer cuts its typeface.

    Raises: Unavailable, with what is amiss, if it does not get ready.
    """
    until = time.monotonic() + timeout_s
    with httpx.Client(base_url=place.url, trust_env=False) as client:
        while True:
            answer = client.get("/readyz")
            if answer.is_success:
                return
            if time.monotonic() > until:
                raise Unavailable(f"not ready: {', '.join(answer.json()['reasons'])}")
            time.sleep(0.05)


def walk(place: Stage, title: str, asked: Message, approver: str | None) -> Walked:
    """Let one opportunity run to its order, with an approver's yes where one is asked for."""
    began = time.monotonic()
    place.say("opportunity.opened", asked)
    if approver is not None:
        _approve(place, asked["id"], approver)
    told = place.told(asked["id"], "Presented")
    presented = told["_taken_at"] - began
    number = told["number"]
    seller, customer = place.client("seller"), Client(place.url, None)
    pdf = seller.bytes(f"/documents/{told['document_sha256']}")
    folder = place.laptop.home / "demo"
    folder.mkdir(exist_ok=True)
    path = folder / f"{number}.pdf"
    path.write_bytes(pdf)
    link = seller.get(f"/quotes/{number}/revisions/{told['presented_revision']}/link")
    customer.post(
        _path(link["url"]) + "/accept",
        {"name": "A. Example", "document_sha256": told["document_sha256"]},
    )
    ordered = place.told(asked["id"], "Ordered")["_taken_at"] - began
    hops = seller.get(f"/crm/quotes/{number}/history")["hops"]
    seller.close()
    customer.close()
    net = f"{told['net']['amount']} {told['net']['currency']}"
    digest = sha256(pdf).hexdigest()
    offer = _path(link["url"])
    return Walked(title, number, net, path, digest, presented, ordered, approver, hops, offer)


def _approve(place: Stage, record_id: str, approver: str) -> None:
    """Act as the approvers' system: take the ask, answer with a signed callback, step by step."""
    number = place.crm.wait(
        lambda each: each["record_id"] == record_id and each["status"] == "PendingApproval", WALK_S
    )["number"]
    for step in range(1, 10):
        ask = place.approvers.wait(_asks(number, step), WALK_S)
        body = {
            "case_id": ask["case_id"],
            "content_key": ask["content_key"],
            "approver": approver if approver in ask["approvers"] else ask["approvers"][0],
            "verdict": "approve",
            "reason": "Strategic site, margin holds.",
        }
        answer = place.approvers.send(f"{place.url}{ask['callback']}", body)
        if not answer.is_success:
            raise Unavailable(f"the callback is not taken: {answer.text}")
        if step >= ask["steps"]:
            return


def _asks(number: str, step: int) -> Callable[[Message], bool]:
    return lambda each: bool(each["quote"] == number and each["step"] == step)


def _path(url: str) -> str:
    return "/" + url.split("://", 1)[-1].split("/", 1)[1]


def demo(laptop: Laptop, *, once: bool, console: Console) -> list[Walked]:
    """Play both walks and print them; without `once` go on serving until Ctrl-C.

    Raises: NotFound, if the laptop's catalogue has no plan of a demo.
    """
    played = plan(laptop.catalog)
    beginning = f"starts PostgreSQL, the {laptop.bus} bus and six services ..."
    console.print(f"[bold]Quotewright[/] {beginning}")
    with stage(laptop) as place:
        with console.status("getting ready"):
            ready(place)
        batch, above = secrets.token_hex(3), played["above_authority"]
        walks = [
            walk(
                place,
                "within the seller's authority: nobody is asked",
                opportunity(f"006-{batch}-1", played["within_authority"], laptop.catalog),
                None,
            ),
            walk(
                place,
                "above it: a director says yes by signed callback",
                opportunity(
                    f"006-{batch}-2",
                    above["example"],
                    laptop.catalog,
                    discounts=[above["discount"]],
                ),
                above["approver"],
            ),
        ]
        for each in walks:
            show.walked(console, each)
        if not once:
            show.what_to_open(console, place.url, walks)
            _wait_for_end()
    return walks


def up(laptop: Laptop, console: Console) -> None:
    """Serve the house on this laptop until Ctrl-C."""
    with stage(laptop) as place:
        with console.status("getting ready"):
            ready(place)
        show.what_to_open(console, place.url, [])
        _wait_for_end()


def _wait_for_end() -> None:
    ended = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ended.set())
    ended.wait()
