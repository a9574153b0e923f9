"""The same command id is the same answer, whatever becomes of the connection or of the server."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from psycopg import conninfo

from contracts.envelope import Fact, Registry
from contracts.errors import Unavailable
from infra.desk import CommandDesk
from infra.ledger import PostgresLedger
from infra.local import LocalPostgres
from infra.patience import Patience
from infra.postgres import PLUMBING, migrate, open_pool, provision
from infra.work import Cause, Reminder, Work

DEAL = UUID("00000000-0000-4000-8000-000000000001")
DEADLINE_S = 60.0


class Noted(Fact):
    """A fact for tests."""

    word: str


REGISTRY = Registry([Noted])


class Wire:
    """A wire to PostgreSQL that can be cut: when the server says something, or when we do.

    `cut_when_server_says` drops those bytes, so the server has done it and nobody hears of it.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.cut_when_server_says: bytes | None = None
        self.cut_when_we_say: bytes | None = None
        self.cuts = 0
        self.away = False
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def go_away(self) -> None:
        """Take no connection any more, and end those that there are."""
        self.away = True
        for each in (self._listening, *self._ends):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.go_away()
        for each in self._threads:
            each.join(DEADLINE_S)
        for end in (self._listening, *self._ends):
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self.away:
                ours, _ = self._listening.accept()
                theirs = socket.socket(socket.AF_UNIX)
                self._ends += [ours, theirs]
                theirs.connect(self._server)
                for ends in ((ours, theirs), (theirs, ours)):
                    carry = threading.Thread(target=self._carry, args=(*ends, ends[0] is theirs))
                    self._threads.append(carry)
                    carry.start()

    def _carry(self, speaker: socket.socket, hearer: socket.socket, server_speaks: bool) -> None:
        with suppress(OSError):
            while said := speaker.recv(65536):
                if self._cuts(said, server_speaks):
                    break
                hearer.sendall(said)
        for end in (speaker, hearer):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _cuts(self, said: bytes, server_speaks: bool) -> bool:
        mark = self.cut_when_server_says if server_speaks else self.cut_when_we_say
        if self.away:
            return True
        if mark is None or mark not in said:
            return False
        self.cut_when_server_says = self.cut_when_we_say = None
        self.cuts += 1
        return True


@pytest.fixture
def wire(make_database: Any) -> Iterator[tuple[Wire, str]]:
    """Give a wire that can be cut, and the connection string that goes through it."""
    dsn = make_database(thing=["thing"]).dsn("thing")
    parts = conninfo.conninfo_to_dict(dsn)
    through = Wire(f"{parts['host']}/.s.PGSQL.5432")
    where = {"host": "127.0.0.1", "port": through.port, "sslmode": "disable"}
    yield through, conninfo.make_conninfo(dsn, **where)
    through.close()


@pytest.fixture
def store(wire: tuple[Wire, str]) -> Iterator[PostgresLedger]:
    pool = open_pool(wire[1], "thing", (1, 4))
    with pool.connection() as connection:
        migrate(connection, [PLUMBING])
    yield PostgresLedger("thing", pool, REGISTRY)
    pool.close()


def stored(store: PostgresLedger) -> list[tuple[str, str]]:
    """Return command id and stream id of what stands in the table."""
    rows = store.query("SELECT command_id, stream FROM events ORDER BY position")
    return [(row["command_id"], row["stream"]) for row in rows]


class TestALostAnswer:
    @pytest.mark.parametrize("rows", [False, True], ids=["facts only", "facts and rows"])
    def test_a_command_whose_answer_was_lost_after_the_commit_gives_what_was_recorded(
        self, wire: tuple[Wire, str], store: PostgresLedger, clock: Any, rows: bool
    ) -> None:
        decided: list[str] = []

        def handler(work: Work) -> None:
            decided.append("once")
            work.append("thing.a/1", Noted(deal_id=DEAL, word="stored"))
            if rows:
                work.remind(Reminder("r", "kind", clock(), DEAL))
            wire[0].cut_when_server_says = b"COMMIT\0" if rows else b"INSERT 0 1\0"

        done = CommandDesk(store, lambda _: None).run(Cause("c1", clock(), "user/u"), handler)
        assert [each.id for each in done] == ["thing.a/1/1"]
        assert (wire[0].cuts, decided) == (1, ["once"])
        assert stored(store) == [("c1", "thing.a/1")]

    def test_a_command_that_never_arrived_is_decided_again(
        self, wire: tuple[Wire, str], store: PostgresLedger, clock: Any
    ) -> None:
        decided: list[str] = []

        def handler(work: Work) -> None:
            decided.append("again")
            work.append("thing.a/1", Noted(deal_id=DEAL, word="stored"))
            if len(decided) == 1:
                wire[0].cut_when_we_say = b"INSERT INTO events"

        CommandDesk(store, lambda _: None).run(Cause("c1", clock(), "user/u"), handler)
        assert (wire[0].cuts, decided) == (1, ["again", "again"])
        assert stored(store) == [("c1", "thing.a/1")]

    def test_all_commands_of_a_batch_whose_answer_was_lost_are_settled_by_their_ids(
        self, wire: tuple[Wire, str], store: PostgresLedger, clock: Any
    ) -> None:
        desk = CommandDesk(store, lambda _: None)

        def command(number: int) -> list[str]:
            def handler(work: Work) -> None:
                work.append(f"thing.a/{number}", Noted(deal_id=DEAL, word="x"))

            cause = Cause(f"c{number}", clock(), "user/u")
            return [each.id for each in desk.run(cause, handler)]

        with ThreadPoolExecutor(16) as pool:
            command(-1)
            wire[0].cut_when_server_says = b"INSERT 0 "
            answers = list(pool.map(command, range(48)))
        assert wire[0].cuts == 1
        assert answers == [[f"thing.a/{number}/1"] for number in range(48)]
        assert sorted(stored(store)) == sorted((f"c{n}", f"thing.a/{n}") for n in range(-1, 48))

    def test_a_database_that_stays_away_is_told_after_the_deadline(
        self, wire: tuple[Wire, str], store: PostgresLedger, clock: Any
    ) -> None:
        def handler(work: Work) -> None:
            work.append("thing.a/1", Noted(deal_id=DEAL, word="x"))
            wire[0].cut_when_we_say = b"INSERT INTO events"
            wire[0].go_away()

        desk = CommandDesk(store, lambda _: None, Patience(deadline_s=0.5))
        with pytest.raises(Unavailable, match="database"):
            desk.run(Cause("c1", clock(), "user/u"), handler)


class TestARestartOfPostgreSql:
    def test_commands_and_reads_only_wait_through_an_immediate_shutdown(self, clock: Any) -> None:
        with LocalPostgres.ephemeral() as server:
            provision(server.dsn("postgres", "postgres"), {"thing": ["thing"]})
            pool = open_pool(server.dsn("quotewright_thing", "postgres"), "thing", (2, 4))
            with pool.connection() as connection:
                migrate(connection, [PLUMBING])
            store = PostgresLedger("thing", pool, REGISTRY)
            desk = CommandDesk(store, lambda _: None, Patience(deadline_s=DEADLINE_S))
            stop, told = threading.Event(), Told()

            def go(thread: int) -> None:
                number = 0
                while not stop.is_set():
                    number += 1
                    cause = Cause(f"c{thread}-{number}", clock(), "user/u")
                    stream = f"thing.a/{thread}"
                    desk.run(cause, partial(note, stream=stream))
                    told.add(cause.command_id)
                    assert desk.read(stream)

            with ThreadPoolExecutor(4) as threads:
                running = [threads.submit(go, thread) for thread in range(4)]
                try:
                    told.wait_for(40)
                    shut_down_at_once(server)
                    server.start()
                    told.wait_for(40)
                finally:
                    stop.set()
                for each in running:
                    each.result(DEADLINE_S * 2)
            assert sorted(told.ids) == sorted(command for command, _ in stored(store))
            pool.close()


def note(work: Work, stream: str) -> None:
    work.append(stream, Noted(deal_id=DEAL, word="x"))


def shut_down_at_once(server: LocalPostgres) -> None:
    """Do what `pg_ctl stop -m immediate` does."""
    os.kill(server.pid, signal.SIGQUIT)
    eventually(lambda: not server.running)


class Told:
    """The command ids that were acknowledged."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._guard = threading.Lock()

    def add(self, command_id: str) -> None:
        with self._guard:
            self.ids.append(command_id)

    def wait_for(self, more: int) -> None:
        """Wait until so many more commands were acknowledged."""
        until = len(self.ids) + more
        eventually(lambda: len(self.ids) >= until)


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
