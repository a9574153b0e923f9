"""Migrations: each file once, none changed afterwards, and never an old release on a newer store."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contracts.errors import Unavailable
from infra.postgres import PLUMBING, NewerStore, migrate
from infra.service import House
from infra.settings import Settings
from services.pricer.main import build

ROOT = Path(__file__).parents[2]


@pytest.fixture
def thing(open_service: Any) -> Any:
    """A pool of a service whose plumbing is migrated."""
    return open_service("thing")


def folder_of(place: Path, **files: str) -> Path:
    """Write a service's folder of migrations."""
    folder = place / "thing" / "migrations"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name.removeprefix('n')}.sql").write_text(text)
    return folder


def applied(pool: Any) -> list[str]:
    with pool.connection() as connection:
        rows = connection.execute(
            "SELECT name FROM migrations ORDER BY applied_at, name"
        ).fetchall()
    return [row[0] for row in rows if row[0].startswith("thing/")]


def test_each_file_is_applied_once_and_in_order(thing: Any, tmp_path: Path) -> None:
    first = folder_of(tmp_path, n0001_a="CREATE TABLE a (n int)")
    with thing.connection() as connection:
        assert migrate(connection, [PLUMBING, first]) == ["thing/0001_a.sql"]
        folder_of(tmp_path, n0002_b="ALTER TABLE a ADD COLUMN m int")
        assert migrate(connection, [PLUMBING, first]) == ["thing/0002_b.sql"]
        assert migrate(connection, [PLUMBING, first]) == []


def test_an_applied_file_that_was_changed_is_refused(thing: Any, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, n0001_a="CREATE TABLE a (n int)")
    with thing.connection() as connection:
        migrate(connection, [PLUMBING, folder])
        folder_of(tmp_path, n0001_a="CREATE TABLE a (n bigint)")
        with pytest.raises(Unavailable, match=r"thing/0001_a\.sql was changed afterwards"):
            migrate(connection, [PLUMBING, folder])


def test_an_old_release_refuses_a_store_that_a_newer_one_migrated(
    thing: Any, tmp_path: Path
) -> None:
    newer = folder_of(tmp_path / "newer", n0001_a="CREATE TABLE a (n int)", n0002_b="SELECT 1")
    older = folder_of(tmp_path / "older", n0001_a="CREATE TABLE a (n int)", n0003_c="SELECT 1")
    with thing.connection() as connection:
        migrate(connection, [PLUMBING, newer])
        with pytest.raises(NewerStore) as refused:
            migrate(connection, [PLUMBING, older])

    assert refused.value.message == (
        "the schema thing was written by a newer release: it has the migrations thing/0002_b.sql,"
        " which this code does not know; start the newer release, or restore a backup that was made"
        " before it"
    )
    assert refused.value.facts == {"files": ["thing/0002_b.sql"]}
    # Nothing of its own was applied on the way: not even the file that the newer release lacks.
    assert applied(thing) == ["thing/0001_a.sql", "thing/0002_b.sql"]


def test_a_process_of_an_old_release_does_not_start_and_says_why(make_database: Any) -> None:
    database = make_database(pricer=["pricer"])
    dsn = database.dsn("pricer")
    House(Settings(dsn=dsn), {"pricer": build}).stop()
    with psycopg.connect(dsn, options="-c search_path=pricer") as connection:
        connection.execute("INSERT INTO migrations (name, sha256) VALUES ('pricer/0009_x.sql', '')")
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("QW_")},
        "QW_DSN": dsn,
        "QW_HTTP_PORT": "0",
    }

    ended = subprocess.run(
        [sys.executable, "-m", "services.pricer.main"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert ended.returncode == 1
    said = [
        json.loads(line)
        for line in (ended.stdout + ended.stderr).splitlines()
        if line.startswith("{")
    ]
    assert [(each["code"], "pricer/0009_x.sql" in each["reason"]) for each in said
            if each["event"] == "not_started"] == [("store.newer", True)]  # fmt: skip
    assert "Traceback" not in ended.stdout + ended.stderr


def test_what_was_parked_behind_a_hole_by_an_earlier_release_waits_for_the_same_fact(
    make_database: Any,
) -> None:
    database = make_database()
    with psycopg.connect(database.dsn("thing")) as connection:
        connection.execute("SET search_path TO thing")
        for file in sorted(PLUMBING.glob("*.sql")):
            if file.name == "0007_follows.sql":
                connection.execute(
                    "SELECT park('facts', 0, 1, 'a', '[]', '{}', 'why', 'parked.missing', 's', 3)"
                )
                connection.execute(
                    "SELECT park('facts', 0, 3, 'b', '[]', '{}', 'why', 'parked.missing', 't', 3)"
                )
                connection.execute("INSERT INTO inbox VALUES ('t', 2), ('s', 2)")
                connection.execute(
                    "SELECT park('facts', 0, 2, 'a', '[]', '{\"b\": 1}', 'why', 'bug', 's', 1)"
                )
            connection.execute(file.read_text())
        rows = connection.execute(
            "SELECT stream, version, follows, retry FROM parked ORDER BY stream, version"
        )
        # What has come since is tried, unless something of its deal waits for a person.
        assert rows.fetchall() == [
            ("s", 1, None, False),
            ("s", 3, 2, False),
            ("t", 3, 2, True),
        ]
