"""Backup and restore, walked: what was acknowledged is there again, and walks go on where they were."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from infra import local
from infra.comparing import BehindLog
from infra.local import SUPERUSER, LocalPostgres
from infra.local_kafka import LocalKafka
from infra.service import House, Serving
from quotewright.client import token_for
from quotewright.demo import ready, stage
from quotewright.house import BUILDERS
from quotewright.laptop import ROOT, Laptop, Servers
from quotewright.prefixes import PREFIXES
from tests.contract.test_docs import block
from tests.e2e.facts import ABOVE
from tests.e2e.place import Json, Place, deal_of, until
from tests.e2e.test_command import COMMAND
from tests.e2e.test_status import status

DATABASE = "restored"
_numbers = count(1)
Facts = dict[tuple[str, str, int], str]


def facts_of(place: Place) -> Facts:
    """Return the hash of every fact that the tables hold, by service, stream and version."""
    return {
        (name, stream, version): digest
        for name in PREFIXES
        for stream, version, digest in place.sql(
            f"SELECT stream, version, md5(state) FROM {name}.events"
        )
    }


@contextmanager
def house(server: LocalPostgres, home: Path) -> Iterator[Place]:
    """Serve all six services over a server's database."""
    with stage(Laptop(home, "embedded", Servers(server, None, DATABASE))) as running:
        place = Place(running, server.dsn(SUPERUSER, DATABASE))
        ready(running)
        yield place
        place.close()


def program(name: str, *words: str | Path) -> None:
    """Run one of PostgreSQL's own programs."""
    done = subprocess.run(
        [local._binaries() / name, *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def socket_of(server: LocalPostgres) -> list[str]:
    return ["-h", str(server._socket_dir), "-U", SUPERUSER]


class Dump:
    """`pg_dump` of the database and `pg_dumpall` of the roles: small, and readable elsewhere."""

    def take(self, server: LocalPostgres, to: Path) -> None:
        roles = ["--roles-only", "-f", to / "roles.sql"]
        program("pg_dumpall", *socket_of(server), *roles)
        program("pg_dump", *socket_of(server), "-Fc", "-f", to / "dump", DATABASE)

    def restore(self, taken: Path, server: LocalPostgres) -> None:
        server.start()
        # The superuser is there already: that one line of the roles fails, and only that.
        program("psql", *socket_of(server), "-q", "-d", "postgres", "-f", taken / "roles.sql")
        program("createdb", *socket_of(server), DATABASE)
        how = ["--exit-on-error", "-d", DATABASE]
        program("pg_restore", *socket_of(server), *how, taken / "dump")


class Base:
    """`pg_basebackup` of the whole server, with the WAL it needs: what an archive continues from."""

    def take(self, server: LocalPostgres, to: Path) -> None:
        how = ["-D", to / "data", "-X", "stream", "-c", "fast"]
        program("pg_basebackup", *socket_of(server), *how)

    def restore(self, taken: Path, server: LocalPostgres) -> None:
        server.home.mkdir(parents=True, exist_ok=True)
        room = local._make_room(server.home)
        shutil.copytree(taken / "data", room / "data")
        for path in [room / "data", *(room / "data").rglob("*")]:
            os.chown(path, local._server_uid(), -1)
        (room / "data").chmod(0o700)
        server.start()


WAYS: Mapping[str, Dump | Base] = {"pg_dump": Dump(), "pg_basebackup": Base()}


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, home: Path) -> dict[str, Any]:
    """A house that worked, was backed up in the middle of its work, worked on, and lost its server."""
    folder = tmp_path_factory.mktemp("lived")
    with LocalPostgres(folder / "server") as server:
        with house(server, home) as place:
            done = place.opens("street_micro")
            place.accepts(place.told(done, "Presented"))
            place.told(done, "Ordered")
            asked = place.opens("rural_lte", discounts=ABOVE)
            number = place.told(asked, "PendingApproval")["number"]
            case = place.asked_to_approve(number)
            under_way = [place.opens("street_micro") for _ in range(2)]  # somewhere in their walk
            facts = facts_of(place)
            for name, way in WAYS.items():
                (folder / name).mkdir()
                way.take(server, folder / name)
            after = place.opens("street_micro")
            place.told(after, "Presented")
            known = {row[0] for row in place.sql("SELECT name FROM quotes.names")}
        server.kill()
    return {
        "folder": folder,
        "facts": facts,
        "done": done,
        "asked": asked,
        "number": number,
        "case": case,
        "under_way": under_way,
        "known": known,
    }


@pytest.mark.slow
@pytest.mark.parametrize("way", ["pg_dump", pytest.param("pg_basebackup", marks=pytest.mark.prove)])
def test_a_restored_house_has_what_was_acknowledged_and_its_walks_go_on(
    way: str, lived: dict[str, Any], tmp_path: Path, home: Path
) -> None:
    server = LocalPostgres(tmp_path / "server")
    with ExitStack() as stack:
        stack.callback(server.stop)
        WAYS[way].restore(lived["folder"] / way, server)
        place = stack.enter_context(house(server, home))

        # Nothing acknowledged before the backup is lost or changed.
        now = facts_of(place)
        assert {key: now.get(key) for key in lived["facts"]} == lived["facts"]

        # What was under way arrives; what waited for a person still does, and goes on.
        for record in lived["under_way"]:
            accept(place, presented(place, record))
            place.told(record, "Ordered")
        place.decides(lived["case"], "approve", "Margin holds.")
        place.accepts(place.told(lived["asked"], "Presented"))
        place.told(lived["asked"], "Ordered")

        # Numbers go on: none of those that the backup knows is given to another quote.
        fresh = place.told(place.opens("street_micro"), "Presented")["number"]
        numbers = [row[0] for row in place.sql("SELECT name FROM quotes.names ORDER BY name")]
        assert len(numbers) == len(set(numbers)) == 5
        assert fresh == max(numbers, key=lambda each: int(each.removeprefix("Q-")))

        # Positions fit: all is consumed, nothing is parked, and the views are the fold of the facts.
        until(lambda: status(place).code == 0, "all is well", 60)
        found = rebuilt(place)
        assert [found[name] for name in ("differ", "only_old", "only_new")] == [0, 0, 0]


def presented(place: Place, record: str) -> Json:
    """Return the record's one quote once it is presented; the CRM may have been told before."""

    def look() -> Json | None:
        answer = place.admin.ask("GET", f"/crm/opportunities/{deal_of(record)}")
        (quote,) = answer.json().get("quotes", []) or [{}]
        return quote if quote.get("status") == "Presented" else None

    return until(look, f"the quote of {record} is presented")


def accept(place: Place, quote: Json) -> None:
    """Let the customer accept what the quote's link shows."""
    link = place.link(quote["number"], 1)
    offer = place.customer.get(link)
    yes = {"name": "A. Example", "document_sha256": offer["document_sha256"]}
    place.customer.post(f"{link}/accept", yes)


def rebuilt(place: Place) -> dict[str, Any]:
    """Rebuild the views and return what differed."""
    token = token_for(place.stage.laptop.home, "admin-1", ["admin"])
    where = ["--url", place.stage.url, "--token", token]
    done = subprocess.run(
        [*COMMAND, "rebuild", "crm", "--json", *where],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class OverKafka:
    """Houses over one Kafka and databases that are copies of one another's past."""

    def __init__(self, postgres: LocalPostgres, kafka: LocalKafka, home: Path) -> None:
        self.postgres = postgres
        self.kafka = kafka
        self.home = home
        self.number = next(_numbers)

    def laptop(self, database: str) -> Laptop:
        return Laptop(self.home, "kafka", Servers(self.postgres, self.kafka, database))

    def topics(self, log: str) -> dict[str, str]:
        base = f"restore-{self.number}"
        return {
            "facts_topic": f"{base}.{log}",
            "inbound_topic": f"{base}.crm.inbound",
            "parked_topic": f"{base}.parked",
        }

    @contextmanager
    def house(self, database: str, log: str = "facts") -> Iterator[Place]:
        def serve(prepared: Laptop) -> Serving:
            return Serving(House(prepared.settings(**self.topics(log), instance=None), BUILDERS))

        with stage(self.laptop(database), serve) as running:
            place = Place(running, self.postgres.dsn(SUPERUSER, database))
            ready(running)
            yield place
            place.close()

    def copy(self, database: str, to: str) -> None:
        """Keep what a database holds now under another name; nobody may be connected."""
        with psycopg.connect(
            self.postgres.dsn(SUPERUSER, "postgres"), autocommit=True
        ) as connection:
            names = (sql.Identifier(to), sql.Identifier(database))
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))


@pytest.fixture
def over(postgres: LocalPostgres, kafka: LocalKafka, home: Path) -> OverKafka:
    return OverKafka(postgres, kafka, home)


@pytest.mark.kafka
@pytest.mark.prove
def test_a_database_set_back_behind_the_kafka_log_is_refused_and_goes_on_over_a_new_log(
    over: OverKafka,
) -> None:
    now, past = f"kafka_now_{over.number}", f"kafka_past_{over.number}"
    with over.house(now) as place:
        first = place.opens("street_micro")
        number = place.told(first, "Presented")["number"]
        until(lambda: status(place).code == 0, "nothing is under way", 60)
    over.copy(now, past)
    with over.house(now) as place:  # a clean restart is no reason to refuse
        place.told(place.opens("street_micro"), "Presented")

    # Every service has said something that the past does not know, and every one notices.
    laptop = over.laptop(past)
    with laptop:
        settings = laptop.settings(**over.topics("facts"))
        for name, build in BUILDERS.items():
            with pytest.raises(BehindLog, match=f"the tables of {name} do not") as refusal:
                House(settings, {name: build})
            assert str(refusal.value.facts["fact"]).startswith(f"{name}.")

    # The procedure of docs/operations.md, for when no later moment can be restored.
    dsn = over.postgres.dsn(SUPERUSER, past)
    steps = block(ROOT / "docs/operations.md", "new-log")
    for log, topic in (("facts-2", "quotewright.facts.2"), ("facts", "quotewright.facts")):
        steps = steps.replace(f"'{topic}'", f"'{over.topics(log)['facts_topic']}'")
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name in PREFIXES:
            connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(name)))
            connection.execute(steps.encode())
    with over.house(past, "facts-2") as place:
        accept(place, presented(place, first))
        place.told(first, "Ordered")
        fresh = place.told(place.opens("street_micro"), "Presented")["number"]
        assert int(fresh.removeprefix("Q-")) > int(number.removeprefix("Q-")) + 1
        until(lambda: status(place).code == 0, "all is well", 60)
        found = rebuilt(place)
        assert [found[name] for name in ("differ", "only_old", "only_new")] == [0, 0, 0]
