"""PostgreSQL for one service: its pool, its migrations, and its advisory locks.

Every connection is in autocommit; a transaction is always spelt out. A service sees its own schema
only.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool, PoolTimeout

from contracts.errors import QuotewrightError, Unavailable
from infra.sessions import LINE, bound, options


class NewerStore(QuotewrightError):
    """The schema was migrated by a release that knows more than this one.   Attributes: files."""

    code = "store.newer"
    title = "The store was written by a newer release"


class PgConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that remembers when it was last lent."""

    lent_at: float = 0.0


MIGRATIONS = Path(__file__).parent / "migrations"
PLUMBING = MIGRATIONS / "service"
# Any number does, as long as nobody else of the cluster uses it for something different.
MIGRATION_LOCK = 7_246_001
RESTED_S = 1.0
POOL_WAIT_S = 3.0  # then the next caller makes the pool try anew, without its growing pauses
LOOK_S = 1.0  # who only looks from outside waits no longer for a connection
LOST = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    # Errors inside the server, to the driver; they end our session all the same.
    psycopg.errors.TransactionTimeout,
    psycopg.errors.IdleInTransactionSessionTimeout,
)

# What the driver warns of is also raised to us: lost connections, aborted pipelines.
logging.getLogger("psycopg").setLevel(logging.ERROR)


def open_pool(dsn: str, schema: str, size: tuple[int, int]) -> ConnectionPool[PgConnection]:
    """Open a pool of a least and a largest size.

    It checks a connection that has rested before lending it, so it survives a restart.

    Raises: Unavailable, if no connection comes up within ten seconds.
    """
    pool: ConnectionPool[PgConnection] = ConnectionPool(
        dsn,
        connection_class=PgConnection,
        min_size=size[0],
        max_size=size[1],
        timeout=POOL_WAIT_S,
        reconnect_timeout=POOL_WAIT_S,
        kwargs={
            "autocommit": True,
            "options": options(schema),
            "application_name": schema,
            **LINE,
        },
        configure=bound,
        check=_check_rested,
        open=False,
    )
    try:
        pool.open(wait=True, timeout=10)
    except psycopg.Error as fault:
        pool.close()
        raise Unavailable(
            f"no PostgreSQL for the schema {schema}: {_reason(dsn) or fault}"
        ) from None
    return pool


def _reason(dsn: str) -> str:
    """Say why no connection comes up: the pool knows only that it has waited."""
    try:
        psycopg.connect(dsn, connect_timeout=int(POOL_WAIT_S)).close()
    except psycopg.Error as fault:
        return str(fault).strip()
    return ""


def _check_rested(connection: PgConnection) -> None:
    """Ask a connection that has rested whether it still lives; a busy one finds out by itself."""
    now = time.monotonic()
    rested_s, connection.lent_at = now - connection.lent_at, now
    if rested_s > RESTED_S:
        ConnectionPool.check_connection(connection)


def migration_files(folders: Iterable[Path]) -> list[tuple[str, Path]]:
    """Return the numbered SQL files of these folders in order, with the name each is known by."""
    return [
        (f"{folder.parent.name}/{file.name}", file)
        for folder in folders
        for file in sorted(folder.glob("[0-9]*.sql"))
    ]


def migrate(connection: PgConnection, folders: Iterable[Path]) -> list[str]:
    """Apply numbered SQL files that are not applied yet, in order, each once, under a lock.

    Returns the names applied. Raises: NewerStore, if the schema holds the work of files that this
    code does not have; Unavailable, if a file that was applied has changed since.
    """
    files = migration_files(folders)
    done: list[str] = []
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, sha256 text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
        )
        rows = connection.execute("SELECT name, sha256 FROM migrations").fetchall()
        applied: dict[str, str] = {row[0]: row[1] for row in rows}
        _refuse_newer(connection, sorted(applied.keys() - {name for name, _ in files}))
        for name, file in files:
            text = file.read_text()
            digest = sha256(text.encode()).hexdigest()
            if name not in applied:
                connection.execute(text)
                connection.execute(
                    "INSERT INTO migrations (name, sha256) VALUES (%s, %s)",
                    (name, digest),
                )
                done.append(name)
            elif applied[name] != digest:
                raise Unavailable(
                    f"the applied migration {name} was changed afterwards; add a new file instead"
                )
    return done


def _refuse_newer(connection: PgConnection, strangers: list[str]) -> None:
    """Refuse to work on tables whose rules we do not know: an old release would break them."""
    if not strangers:
        return
    row = connection.execute("SELECT current_schema()").fetchone()
    raise NewerStore(
        f"the schema {row[0] if row else '?'} was written by a newer release: it has the migrations"
        f" {', '.join(strangers)}, which this code does not know; start the newer release, or"
        " restore a backup that was made before it",
        files=strangers,
    )


def provision(
    admin_dsn: str,
    services: Mapping[str, Sequence[str]],
    analyst: str = "quotewright_analyst",
) -> None:
    """Create what only an administrator may.

    A role and its schemas per service, the bus, the analysts' role.

    `services` maps each service to the schemas it owns. Harmless when repeated. Roles are named
    `quotewright_<service>`; passwords are the operator's matter.
    """
    with PgConnection.connect(admin_dsn, autocommit=True, options=options("bus")) as admin:
        with admin.transaction():
            admin.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
            admin.execute("CREATE SCHEMA IF NOT EXISTS bus")
            _role(admin, analyst)
            _hold_back(admin, analyst)
            for service, schemas in services.items():
                _room(admin, service, schemas)
        migrate(admin, [MIGRATIONS / "bus"])
        for service in services:
            role = sql.Identifier(role_of(service))
            admin.execute(sql.SQL("GRANT USAGE ON SCHEMA bus TO {}").format(role))
            admin.execute(sql.SQL("GRANT SELECT, INSERT ON bus.log TO {}").format(role))


def role_of(service: str) -> str:
    """Return the database role of a service."""
    return f"quotewright_{service}"


def _role(admin: PgConnection, name: str) -> None:
    if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone():
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))


def _hold_back(admin: PgConnection, analyst: str) -> None:
    """Analysts read only, and no question of theirs may hold the house up."""
    role = sql.Identifier(analyst)
    admin.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(role))
    admin.execute(sql.SQL("ALTER ROLE {} SET statement_timeout = '30s'").format(role))


def _room(admin: PgConnection, service: str, schemas: Sequence[str]) -> None:
    role = sql.Identifier(role_of(service))
    _role(admin, role_of(service))
    for schema in schemas:
        admin.execute(
            sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(
                sql.Identifier(schema), role
            )
        )


class NoDatabase(Unavailable):
    """The database does not answer now; what was just asked of it may have happened."""


class reachable:  # noqa: N801, reads as a word in a with statement
    """Turn a lost database into NoDatabase; everything else passes."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, psycopg.errors.SerializationFailure):
            # Our own functions say with it what somebody else has changed meanwhile.
            raise Unavailable(fault.diag.message_primary or "lost a race") from fault
        if isinstance(fault, psycopg.errors.QueryCanceled):
            raise NoDatabase("the database ended a statement that took too long") from fault
        if isinstance(fault, LOST) and not _too_much(fault):
            raise NoDatabase("the database does not answer now") from fault


def _too_much(fault: BaseException) -> bool:
    """Say whether the database refused something that is beyond its limits, now and for ever."""
    return isinstance(fault, psycopg.Error) and (fault.sqlstate or "").startswith("54")
