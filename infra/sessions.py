"""What bounds a session of PostgreSQL: whatever becomes of a process, its locks come free."""

from typing import Any

import psycopg

STATEMENT_TIMEOUT_MS = 20_000
IDLE_IN_TRANSACTION_MS = 10_000
# A process that stands still between two statements of a pipeline is not idle to the server, and no
# statement of it runs: only this ends its transaction. The server knows it from version 17 on.
TRANSACTION_TIMEOUT_MS = 30_000
TIMES_TRANSACTIONS = 170_000
# A machine that vanishes closes no connection: its sessions would take up the server for two hours.
QUIET_S, PROBE_S, PROBES = 10, 5, 4
# The other way round: a server that vanishes answers nothing, and we would wait as long for it.
LINE: dict[str, Any] = {
    "keepalives_idle": QUIET_S,
    "keepalives_interval": PROBE_S,
    "keepalives_count": PROBES,
    "tcp_user_timeout": 1000 * (QUIET_S + PROBE_S * PROBES),
}


def options(schema: str) -> str:
    """Return the session options of a service's connections.

    Its schema, UTC, bounded statements, and an early end if nobody is there any more.
    """
    return (
        f"-c search_path={schema} -c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_MS}"
        f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} -c jit=off"
        f" -c tcp_keepalives_idle={QUIET_S} -c tcp_keepalives_interval={PROBE_S}"
        f" -c tcp_keepalives_count={PROBES}"
    )


def bound(connection: psycopg.Connection[Any]) -> None:
    """Let no transaction of the connection hold its locks for ever; older servers can not."""
    if connection.info.server_version >= TIMES_TRANSACTIONS:
        connection.execute(f"SET transaction_timeout = {TRANSACTION_TIMEOUT_MS}")
