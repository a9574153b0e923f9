"""What bounds a session of PostgreSQL: whatever becomes of a process, its locks come free."""

from typing import Any

import psycopg

STATEMENT_TIMEOUT_MS = 20_000
IDLE_IN_TRANSACTION_MS = 10_000
# A process that stands still between two statements of a pipeline is not idle to the server, and no
# statement of it runs: only this ends its transaction. The server knows it from version 17 on.
TRANSACTION_TIMEOUT_MS = 30_000
TIMES_TRANSACTIONS = 170_000


def options(schema: str) -> str:
    """Return the session options of a service's connections.

    Its schema, UTC, and bounded statements.
    """
    return (
        f"-c search_path={schema} -c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_MS}"
        f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} -c jit=off"
    )


def bound(connection: psycopg.Connection[Any]) -> None:
    """Let no transaction of the connection hold its locks for ever; older servers can not."""
    if connection.info.server_version >= TIMES_TRANSACTIONS:
        connection.execute(f"SET transaction_timeout = {TRANSACTION_TIMEOUT_MS}")
