"""A laptop's PostgreSQL and Kafka: they start, survive `kill -9`, keep apart, and die with their starter."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from infra.local import SUPERUSER, LocalPostgres
from infra.local_kafka import LocalKafka
from infra.local_process import MEMORY, LocalServerFailed
from infra.setup import remove_rooms

ROOT = Path(__file__).resolve().parents[2]
POSTGRES_STARTER = """
import sys, time
from pathlib import Path
from infra.local import LocalPostgres
server = LocalPostgres(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""
KAFKA_STARTER = """
import sys, time
from pathlib import Path
from infra.local_kafka import LocalKafka
cluster = LocalKafka(Path(sys.argv[1]), nodes=1)
cluster.start()
print(cluster.pid(1), cluster.bootstrap, sep="\\n", flush=True)
time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Give a home for servers that keep their data; root's rooms outside it are removed at the end."""
    yield tmp_path
    remove_rooms(tmp_path)


def eventually(holds: Callable[[], bool], *, deadline_s: float) -> None:
    """Wait until something holds, and fail when it does not in time."""
    deadline = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    """Say whether a process has ended: a zombie counts, since PID 1 of a container may not reap."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def start_elsewhere(program: str, home: Path) -> tuple[subprocess.Popen[str], int]:
    """Start a server from a process of its own; return that process and the server's pid."""
    command = [sys.executable, "-c", program, str(home)]
    starter = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    return starter, int(starter.stdout.readline())


def rows(server: LocalPostgres) -> list[tuple[int]]:
    """Read the one table these tests write."""
    with psycopg.connect(server.dsn(SUPERUSER, "postgres")) as connection:
        return connection.execute("SELECT i FROM kept ORDER BY i").fetchall()


def write(server: LocalPostgres, number: int) -> None:
    """Commit one number."""
    with psycopg.connect(server.dsn(SUPERUSER, "postgres")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (i int)")
        connection.execute("INSERT INTO kept VALUES (%s)", (number,))


class TestPostgres:
    """PostgreSQL from the wheel's binaries, started by us."""

    def test_it_is_postgresql_18_on_a_private_socket_only(self) -> None:
        with LocalPostgres.ephemeral() as server:
            with psycopg.connect(server.dsn(SUPERUSER, "postgres")) as connection:
                asked = "current_setting('server_version_num')::int / 10000, current_setting('max_connections'),"
                asked += " current_setting('listen_addresses'), current_setting('TimeZone')"
                found = connection.execute(f"SELECT {asked}").fetchone()
                folder = Path(connection.info.host)
                mode = folder.stat().st_mode & 0o777
            assert found == (18, "100", "", "UTC")
            assert mode == 0o700
        assert not folder.exists()

    def test_a_committed_row_survives_kill_9_with_connections_open(self) -> None:
        with LocalPostgres.ephemeral() as server:
            write(server, 1)
            with psycopg.connect(server.dsn(SUPERUSER, "postgres")) as cut:
                address = cut.info.host
                server.kill()
                assert not server.running
                server.start()
            assert rows(server) == [(1,)]
            assert address in server.dsn(SUPERUSER, "postgres")

    def test_an_ephemeral_server_leaves_nothing_behind(self) -> None:
        server = LocalPostgres.ephemeral()
        server.start()
        room = (server.home / "postgres").resolve()
        assert room.exists()
        server.stop()
        server.stop()
        assert not server.home.exists()
        assert not room.exists()

    def test_a_server_for_tests_stands_on_disk_where_memory_is_too_small(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("infra.local_process.ROOMY", 1 << 60)
        server = LocalPostgres.ephemeral()
        assert MEMORY not in server.home.parents
        with server:
            write(server, 1)
            assert rows(server) == [(1,)]
            assert MEMORY not in server.data.parents
        assert not server.home.exists()

    def test_two_servers_at_once_do_not_see_each_other(self) -> None:
        with LocalPostgres.ephemeral() as one, LocalPostgres.ephemeral() as other:
            write(one, 1)
            write(other, 2)
            assert (rows(one), rows(other)) == ([(1,)], [(2,)])

    def test_data_are_there_again_at_the_next_start(self, home: Path) -> None:
        with LocalPostgres(home) as server:
            write(server, 7)
        with LocalPostgres(home) as server:
            assert rows(server) == [(7,)]

    def test_a_second_start_on_the_same_data_says_who_runs_it(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("infra.local_process.LOCK_WAIT_S", 0.1)
        with LocalPostgres(home) as server:
            with pytest.raises(LocalServerFailed, match=f"started by process {os.getpid()}"):
                LocalPostgres(home).start()
            write(server, 1)
            assert rows(server) == [(1,)], "the loser must not touch the winner's socket"

    def test_it_stops_when_its_starter_is_killed_and_the_data_are_free_again(
        self, home: Path
    ) -> None:
        starter, pid = start_elsewhere(POSTGRES_STARTER, home)
        with starter:
            starter.kill()
        eventually(lambda: is_gone(pid), deadline_s=10)
        with LocalPostgres(home) as server:
            write(server, 1)
            assert rows(server) == [(1,)]

    def test_a_failed_start_names_the_log(self, home: Path) -> None:
        with LocalPostgres(home):
            pass
        room = (home / "postgres").resolve()
        (room / "data" / "postgresql.conf").write_text("no such setting\n", encoding="utf-8")
        with pytest.raises(
            LocalServerFailed, match=r"(?s)exit code 1.*postgres\.log.*syntax error"
        ):
            LocalPostgres(home).start()

    def test_data_of_another_major_version_are_refused(self, home: Path) -> None:
        with LocalPostgres(home):
            pass
        room = (home / "postgres").resolve()
        (room / "data" / "PG_VERSION").write_text("17\n", encoding="utf-8")
        with pytest.raises(LocalServerFailed, match="another PostgreSQL"):
            LocalPostgres(home).start()


@pytest.mark.kafka
@pytest.mark.enable_socket
class TestKafka:
    """Kafka from Maven's jars, started by us."""

    @pytest.mark.prove
    def test_records_survive_kill_9_and_it_comes_back_on_its_port(self) -> None:
        with LocalKafka.ephemeral(nodes=1) as cluster:
            address = cluster.bootstrap
            send(address, b"before", make_topic=True)
            cluster.kill(1)
            assert not cluster.running
            cluster.start()
            send(address, b"after", make_topic=False)
            assert cluster.bootstrap == address
            assert received(cluster, 2) == [b"before", b"after"]
        assert not cluster.home.exists()

    def test_it_stops_when_its_starter_is_killed_and_the_records_are_there_at_the_next_start(
        self, tmp_path: Path
    ) -> None:
        starter, pid = start_elsewhere(KAFKA_STARTER, tmp_path)
        with starter:
            assert starter.stdout is not None
            send(starter.stdout.readline().strip(), b"before", make_topic=True)
            starter.send_signal(signal.SIGKILL)
        eventually(lambda: is_gone(pid), deadline_s=20)
        # New ports, old data: what a second `make demo BUS=kafka` does.
        with LocalKafka(tmp_path, nodes=1) as cluster:
            send(cluster.bootstrap, b"again", make_topic=False)
            assert received(cluster, 2) == [b"before", b"again"]


def send(bootstrap: str, value: bytes, *, make_topic: bool) -> None:
    """Write one record, surely."""
    if make_topic:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        admin.create_topics([NewTopic("kept", 1, 1)])
        admin.close()
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    producer.send("kept", value).get(timeout=20)
    producer.close()


def received(cluster: LocalKafka, count: int) -> list[bytes]:
    """Read the first records of the topic; fewer, if more do not come in time."""
    consumer = KafkaConsumer(
        "kept",
        bootstrap_servers=cluster.bootstrap,
        auto_offset_reset="earliest",
        consumer_timeout_ms=10_000,
    )
    values = [record.value for _, record in zip(range(count), consumer, strict=False)]
    consumer.close()
    return values
