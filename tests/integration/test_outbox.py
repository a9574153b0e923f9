"""The outbox and the memory of signings on PostgreSQL keep the promises of the ones in memory."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog
from psycopg_pool import ConnectionPool
from pydantic import SecretStr

from contracts.errors import Unavailable
from infra.deliveries import Sender
from infra.outbox import PostgresOutbox, Setback
from infra.postgres import PgConnection
from infra.rows import write_rows
from infra.seen import PostgresSeen
from infra.settings import Endpoint
from infra.work import Cause, Delivery, Work
from tests.unit.infra.test_outbox import DEAL, NOW, OutboxPromises, Put, SeenPromises, message

Pool = ConnectionPool[PgConnection]


@pytest.fixture
def pool(open_service: Callable[..., Pool]) -> Pool:
    return open_service()


def writer(pool: Pool) -> Put:
    """Write deliveries as the store does it with the facts they tell of."""

    def put(delivery: Delivery) -> None:
        nobody: Any = None
        work = Work(nobody, Cause("c", NOW, "service/thing"))
        work.deliver(delivery)
        with pool.connection() as connection, connection.transaction():
            write_rows(connection, work)

    return put


class TestPostgresOutbox(OutboxPromises):
    @pytest.fixture
    def outbox(self, pool: Pool) -> PostgresOutbox:
        return PostgresOutbox(pool)

    @pytest.fixture
    def put(self, pool: Pool) -> Put:
        return writer(pool)

    def test_what_became_of_it_stands_in_the_row_for_people(
        self, outbox: PostgresOutbox, put: Put, pool: Pool
    ) -> None:
        put(message("deal/1"))
        outbox.retry("deal/1", 1, Setback("the receiver answers 410", NOW, stuck=True))
        with pool.connection() as connection:
            rows = connection.execute(
                "SELECT key, state, attempts, last_error FROM deliveries"
            ).fetchall()
        assert rows == [("deal/1", "stuck", 1, "the receiver answers 410")]

    def test_a_lost_database_is_unavailable(self, outbox: PostgresOutbox, pool: Pool) -> None:
        pool.close()
        with pytest.raises(Unavailable):
            outbox.due(NOW, 1, [], [])


class TestPostgresSeen(SeenPromises):
    @pytest.fixture
    def seen(self, pool: Pool) -> PostgresSeen:
        return PostgresSeen(pool)

    def test_two_processes_share_what_they_have_seen(self, pool: Pool) -> None:
        assert [PostgresSeen(pool).claim("a", NOW) for _ in range(2)] == [True, False]

    def test_of_many_at_once_one_claims(self, pool: Pool) -> None:
        start, claims = threading.Barrier(6), []

        def claim() -> None:
            start.wait()
            claims.append(PostgresSeen(pool).claim("a", NOW))

        threads = [threading.Thread(target=claim) for _ in range(6)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert sorted(claims) == [False] * 5 + [True]


@pytest.fixture
def sending(pool: Pool) -> Iterator[tuple[Sender, list[httpx.Request], dict[str, int]]]:
    got: list[httpx.Request] = []
    answers = {"status": 200}

    def take(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return httpx.Response(answers["status"])

    endpoint = Endpoint(url="http://crm.example/hooks", secret=SecretStr("whsec_" + "AQEB" * 8))
    http = httpx.Client(transport=httpx.MockTransport(take))
    sender = Sender(
        PostgresOutbox(pool), {"crm": endpoint}, http, lambda: datetime.now(UTC), lambda most: most
    )
    with structlog.testing.capture_logs():
        yield sender, got, answers
        sender.close()


def test_messages_leave_the_table_as_they_are_taken(pool, sending):
    sender, got, _ = sending
    put = writer(pool)
    for number in range(20):
        put(message(f"deal/{number}"))
    assert sender.run_once() == 20
    with pool.connection() as connection:
        assert connection.execute("SELECT count(*) FROM deliveries").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM delivered").fetchone() == (20,)
    assert len({request.headers["webhook-id"] for request in got}) == 20


def test_a_message_that_failed_leaves_after_its_wait(pool, sending):
    sender, got, answers = sending
    writer(pool)(message("deal/1"))
    answers["status"] = 503
    assert [sender.run_once(), sender.run_once()] == [1, 0]
    with pool.connection() as connection:
        connection.execute("UPDATE deliveries SET due_at = due_at - %s", (timedelta(seconds=1),))
    answers["status"] = 200
    assert sender.run_once() == 1
    assert got[0].headers["webhook-id"] == got[1].headers["webhook-id"]


def test_the_deal_of_a_delivery_is_kept(pool):
    writer(pool)(message("deal/1"))
    (due,) = PostgresOutbox(pool).due(NOW, 1, [], [])
    assert (due.deal_id, type(due.deal_id)) == (DEAL, UUID)
