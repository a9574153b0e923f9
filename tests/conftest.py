"""Fixtures that every kind of test shares: a clock, a real PostgreSQL, a real Kafka."""

import gc
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from psycopg import sql
from psycopg_pool import ConnectionPool

from infra.local import SUPERUSER, LocalPostgres
from infra.local_kafka import LocalKafka
from infra.postgres import PLUMBING, migrate, open_pool, provision, role_of

_numbers = count(1)
# A session of tests keeps much and drops little: looking for cycles took a tenth of its time.
gc.set_threshold(100_000, 50, 100)
FONTS = Path(__file__).parents[1] / ".local" / "fonts"

# Where nothing is configured, structlog draws a fault with all local variables, which takes seconds.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ],
    cache_logger_on_first_use=False,
)


def proving(config: pytest.Config) -> bool:
    """Say whether this run was asked for proofs: `-m prove`."""
    return "prove" in (config.option.markexpr or "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to `make prove` what is marked so; tests/chaos draws from what is drawable."""
    if proving(config):
        return
    left = [
        each
        for each in items
        if each.get_closest_marker("prove") and not each.get_closest_marker("drawable")
    ]
    items[:] = [each for each in items if each not in left]
    config.hook.pytest_deselected(items=left)


class Clock:
    """A clock that tests set and move."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def make_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make homes of houses whose fonts are those of this checkout: cutting them takes 15 seconds."""

    def make(name: str) -> Path:
        home = tmp_path_factory.mktemp(name)
        (home / "fonts").symlink_to(FONTS)
        return home

    return make


@pytest.fixture(scope="session")
def postgres() -> Iterator[LocalPostgres]:
    """A real PostgreSQL 18 of this test session."""
    with LocalPostgres.ephemeral() as server:
        yield server


@pytest.fixture(scope="session")
def kafka() -> Iterator[LocalKafka]:
    """A real Kafka 4.1 broker of this test session."""
    with LocalKafka.ephemeral(nodes=1) as cluster:
        yield cluster


class Database:
    """A database of its own, with roles and schemas of the services asked for."""

    def __init__(self, server: LocalPostgres, name: str) -> None:
        self.server = server
        self.name = name

    @property
    def admin_dsn(self) -> str:
        return self.server.dsn("postgres", self.name)

    def dsn(self, service: str) -> str:
        return self.server.dsn(role_of(service), self.name)

    def template(self) -> str:
        return self.server.dsn("quotewright_{service}", self.name)


@pytest.fixture
def make_database(postgres: LocalPostgres) -> Iterator[Callable[..., Database]]:
    """Make empty databases, provisioned for services (by default one called `thing`)."""
    made: list[sql.Identifier] = []

    def admin() -> psycopg.Connection[Any]:
        return psycopg.connect(postgres.dsn(SUPERUSER, "postgres"), autocommit=True)

    def make(**services: list[str]) -> Database:
        name = f"test_{next(_numbers)}"
        made.append(sql.Identifier(name))
        with admin() as connection:
            # Copying the template's files is faster than logging each of their pages.
            made_how = sql.SQL("CREATE DATABASE {} STRATEGY file_copy").format(made[-1])
            connection.execute(made_how)
        database = Database(postgres, name)
        provision(database.admin_dsn, services or {"thing": ["thing"]})
        return database

    yield make
    # Hundreds of databases are a gigabyte, and take minutes to remove from a disk in the end.
    with suppress(psycopg.Error), admin() as connection:  # else they go with the server
        for each in made:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(each))


@pytest.fixture
def open_service(
    make_database: Callable[..., Database],
) -> Iterator[Callable[..., ConnectionPool[Any]]]:
    """Open pools of migrated services; each call with a database given shares it."""
    pools: list[ConnectionPool[Any]] = []

    def open_(service: str = "thing", database: Database | None = None) -> ConnectionPool[Any]:
        place = database or make_database(**{service: [service]})
        pool = open_pool(place.dsn(service), service, (1, 6))
        pools.append(pool)
        with pool.connection() as connection:
            migrate(connection, [PLUMBING])
        return pool

    yield open_
    for pool in pools:
        pool.close()
