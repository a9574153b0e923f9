"""A process that stands still in the middle of a commit does not keep others from its partition."""

import contextlib
from typing import Any

import psycopg
import pytest

from contracts.envelope import Registry
from contracts.errors import Unavailable
from infra import sessions
from infra.ledger import PostgresLedger
from infra.postgres import reachable


def test_a_transaction_that_stands_still_in_a_pipeline_gives_its_locks_back(
    make_database: Any, open_service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Found by SIGSTOP under load: the frozen process's lock kept its partition from everybody.
    database = make_database()
    awake = open_service("thing", database)
    monkeypatch.setattr(sessions, "TRANSACTION_TIMEOUT_MS", 1_000)
    frozen = open_service("thing", database)
    ledger = PostgresLedger("thing", awake, Registry([]))
    ledger.claim("facts", 0)
    with (
        contextlib.suppress(psycopg.Error),  # that the session is gone shows here, or later
        frozen.connection() as connection,
        connection.pipeline(),
        connection.transaction(),
    ):
        connection.execute("UPDATE positions SET attempts = attempts + 1")
        connection.pgconn.send_flush_request()
        connection.pgconn.flush()
        assert ledger.claim("facts", 0).epoch == 2


@pytest.mark.parametrize(
    "fault",
    [psycopg.errors.TransactionTimeout, psycopg.errors.IdleInTransactionSessionTimeout],
)
def test_a_session_ended_for_standing_still_is_no_bug_of_a_handler(fault: type[Exception]) -> None:
    with pytest.raises(Unavailable), reachable():
        raise fault
