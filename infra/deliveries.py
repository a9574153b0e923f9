"""Sends webhooks and mail from the delivery table: in parallel, one per key, until taken.

At least once: a receiver drops doubles by `webhook-id`, a mail program by `Message-ID`; both stay
the same over all attempts at one message. Webhooks are signed. Addresses come from the settings or,
of mail, from the service, so no stranger can aim us; redirects are not followed.
"""

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx
import structlog

from infra.mail import MAIL, Mailer
from infra.outbox import RETRY_MAX, DueDelivery, Outbox, Setback
from infra.settings import Endpoint
from infra.webhooks import sign

log = structlog.get_logger("infra.deliveries")

DEADLINE_S = 10.0
MAX_BODY_BYTES = 1024 * 1024
MAX_ANSWER_BYTES = 64 * 1024
BACKOFF_S = 1.0
BACKOFF_MAX_S = RETRY_MAX.total_seconds()
# A receiver that says "never" is asked this often: somebody may be mending its address or our key.
REFUSALS_MAX = 3
# A dead receiver holds at most so many threads; the others' messages go on.
PER_TARGET = 4
THREADS_MAX = 32
ROUNDS_MAX = 1000
_LATER = {408, 425, 429}
_GONE = 410


def client() -> httpx.Client:
    """Return a sender's HTTP client: no proxy of the environment, no redirects."""
    return httpx.Client(
        timeout=httpx.Timeout(DEADLINE_S, connect=3.0),
        follow_redirects=False,
        trust_env=False,
        headers={"user-agent": "Quotewright/1", "accept-encoding": "identity"},
    )


class Sender:
    """Sends what is due. Only the one process that leads the service's deliveries may use it."""

    def __init__(
        self,
        outbox: Outbox,
        endpoints: Mapping[str, Endpoint],
        http: httpx.Client,
        clock: Callable[[], datetime],
        jitter: Callable[[float], float],
    ) -> None:
        """Make a sender; `jitter` picks a wait in seconds, from 0 to the ceiling it gets."""
        self._outbox = outbox
        self._endpoints = endpoints
        self._http = http
        self._clock = clock
        self._jitter = jitter
        self.mailer: Mailer | None = None
        self._lock = threading.Lock()
        self._flying: dict[str, str] = {}
        # Mail is one target more. Threads start only when they have something to do.
        threads = min(THREADS_MAX, PER_TARGET * (len(endpoints) + 1))
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="deliveries")

    def dispatch(self, then: Callable[[], None] = lambda: None) -> list[Future[bool]]:
        """Start sending what is due and not under way, and return at once.

        `then` runs after each one that was settled: taken, put off or stuck. One that was not (the
        table is away) stays due for the next look.
        Raises: Unavailable, if the table can not be read.
        """
        with self._lock:
            per_target = Counter(self._flying.values())
            full = [target for target, count in per_target.items() if count >= PER_TARGET]
            found = self._outbox.due(self._clock(), THREADS_MAX, list(self._flying), full)
            started = []
            for due in found:
                if per_target[due.target] < PER_TARGET:
                    per_target[due.target] += 1
                    self._flying[due.key] = due.target
                    started.append(due)
        return [self._threads.submit(self._fly, due, then) for due in started]

    def run_once(self) -> int:
        """Send everything that is due and wait for the answers; returns how many attempts."""
        attempted = 0
        for _ in range(ROUNDS_MAX):
            under_way = self.dispatch()
            attempted += len(under_way)
            settled = sum(each.result() for each in under_way)
            if not settled:
                break
        return attempted

    def close(self) -> None:
        """Wait for what is under way, at most its deadline; what has not started stays due."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _fly(self, due: DueDelivery, then: Callable[[], None]) -> bool:
        settled = False
        try:
            self._settle(due, self._attempt_safely(due))
            settled = True
        except Exception:  # the row stays due; the others must not suffer
            log.exception("delivery_not_settled", key=due.key, target=due.target)
        finally:
            with self._lock:
                del self._flying[due.key]
        if settled:
            then()
        return settled

    def _attempt_safely(self, due: DueDelivery) -> Setback | None:
        try:
            return self._attempt(due)
        except Exception:  # an error of ours must not be tried again at once, for ever
            log.exception("delivery_broke", key=due.key, target=due.target)
            return self._setback(due, "an error of ours, see the log")

    def _settle(self, due: DueDelivery, setback: Setback | None) -> None:
        if setback is None:
            self._outbox.done(due.key, due.generation)
            log.info("delivered", key=due.key, target=due.target, attempts=due.attempts + 1)
            return
        self._outbox.retry(due.key, due.generation, setback)
        say = log.error if setback.stuck else log.warning
        name = "delivery_stuck" if setback.stuck else "delivery_failed"
        say(name, key=due.key, target=due.target, attempts=due.attempts + 1, error=setback.error)

    def _attempt(self, due: DueDelivery) -> Setback | None:
        """Send once; None if the receiver has taken it."""
        if due.target == MAIL:
            return self._mailed(due)
        endpoint = self._endpoints.get(due.target)
        if endpoint is None:
            return self._setback(due, f"QW_ENDPOINTS has no {due.target}", stuck=True)
        body = payload(due)
        if len(body) > MAX_BODY_BYTES:
            return self._setback(due, f"the message has {len(body)} bytes", stuck=True)
        older = (endpoint.old_secret,) if endpoint.old_secret else ()
        signed = sign(endpoint.secret, webhook_id(due), self._clock(), body, *older)
        headers = {**signed, "content-type": "application/json"}
        try:
            with self._http.stream("POST", endpoint.url, content=body, headers=headers) as answer:
                _drain(answer, time.monotonic() + DEADLINE_S)
        except httpx.HTTPError as fault:
            # The kind only: the message may repeat an address with what stands in it.
            return self._setback(due, type(fault).__name__)
        if answer.is_success:
            return None
        return self._refused(due, answer)

    def _mailed(self, due: DueDelivery) -> Setback | None:
        if self.mailer is None:
            return self._setback(due, "QW_SMTP_URL is not set", stuck=True)
        fault = self.mailer.send(due, webhook_id(due).replace("/", "."))
        if fault is None:
            return None
        stuck = fault.final and due.attempts + 1 >= REFUSALS_MAX
        return self._setback(due, fault.error, stuck=stuck)

    def _refused(self, due: DueDelivery, answer: httpx.Response) -> Setback:
        status = answer.status_code
        error = f"the receiver answers {status}"
        if status >= 500 or status in _LATER:
            asked = answer.headers.get("retry-after", "")
            least_s = (
                float(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 0.0
            )
            return self._setback(due, error, least_s=least_s)
        stuck = status == _GONE or due.attempts + 1 >= REFUSALS_MAX
        return self._setback(due, error, stuck=stuck)

    def _setback(
        self, due: DueDelivery, error: str, *, stuck: bool = False, least_s: float = 0.0
    ) -> Setback:
        ceiling_s = min(BACKOFF_MAX_S, BACKOFF_S * 2 ** min(due.attempts, 20))
        wait_s = max(self._jitter(ceiling_s), min(least_s, BACKOFF_MAX_S))
        return Setback(error, self._clock() + timedelta(seconds=wait_s), stuck)


def webhook_id(due: DueDelivery) -> str:
    """Return the message's id: the same over all attempts, another for a newer message."""
    key = hashlib.sha256(due.key.encode()).hexdigest()[:32]
    return f"{key}/{due.generation}-{int(due.created_at.timestamp() * 1_000_000):x}"


def payload(due: DueDelivery) -> bytes:
    """Return the message's bytes: type, timestamp and data, as Standard Webhooks recommends."""
    message = {
        "type": due.event_type,
        "timestamp": due.created_at.isoformat(),
        "data": dict(due.body),
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def _drain(answer: httpx.Response, deadline: float) -> None:
    """Read a short answer, so that the connection can be used again; leave a long or slow one."""
    size = 0
    for part in answer.iter_bytes():
        size += len(part)
        if size > MAX_ANSWER_BYTES or time.monotonic() > deadline:
            return
