"""A full disk, a broken tail, a log made anew: refused or stopped with a reason, never skipped over."""

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from infra.steps import ROOTS_ROOMS
from infra.topics import Keeping, create_topics
from tests.chaos.ground import PARTITIONS, Ground
from tests.chaos.loading import SERVICES, WAIT_S, Load
from tests.chaos.proof import Proof
from tests.e2e.place import until
from tests.manual import reset_of

pytestmark = [pytest.mark.prove, pytest.mark.kafka]
NOBODY = 65_534
LEFT = 65_536
HEARD = "SELECT count(*) FROM hearer.copies"
BEHIND = "SELECT (SELECT max(position) FROM teller.events) - (SELECT position FROM teller.relay)"


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of two megabytes; only root can make one."""
    place = Path(tempfile.mkdtemp(prefix="disk-", dir=ROOTS_ROOMS))
    options = f"size=2m,mode=700,uid={NOBODY},gid={NOBODY}"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=False)
    if done.returncode:
        place.rmdir()
        pytest.skip("a small disk needs the right to mount")
    yield place
    subprocess.run(["umount", "-l", place], check=True)
    place.rmdir()


def test_a_full_disk_refuses_commands_and_needs_no_repair(
    servers: Ground, small_disk: Path, prove: Callable[[str], Proof]
) -> None:
    proof = prove("PostgreSQL: the disk of the event table is full, then has room")
    with servers.load() as load:
        load.sql(f"CREATE TABLESPACE small LOCATION '{small_disk}'")
        load.sql("ALTER TABLE teller.events SET TABLESPACE small")
        with load.running():
            load.flows()
            filler = small_disk / "filler"
            free = int(subprocess.check_output(["stat", "-f", "-c", "%a", small_disk])) * 4096
            filler.write_bytes(b"\0" * max(0, free - LEFT))
            until(lambda: refusals(load) > 3, "commands are refused", WAIT_S)
            filler.unlink()
            proof.begins()
            load.goes_round()
            proof.recovered()
            load.flows()
        load.prove(proof)
        proof.note = f"{refusals(load)} commands refused for a while"
        load.sql("ALTER TABLE teller.events SET TABLESPACE pg_default")
        load.sql("DROP TABLESPACE small")
    proof.holds()


def refusals(load: Load) -> int:
    """Count the answers that said: not now."""
    return load.turned_away


def test_a_relay_that_is_ahead_of_its_table_stops_and_says_so(
    load: Load, prove: Callable[[str], Proof]
) -> None:
    proof = prove("PostgreSQL: the tail of the event table is gone, the relay's position is not")
    with load.running():
        load.flows()
    load.settles()
    load.apart.kill("teller")
    load.sql("UPDATE teller.relay SET position = position + 100")
    load.apart.spawn("teller")
    proof.begins()
    until(
        lambda: "it was set back" in log_of(load, "teller"),
        "the relay says that it is ahead",
        WAIT_S,
    )
    load.tell(load.deals[0])
    proof.recovered()
    stored, copied = load.sql(
        "SELECT (SELECT count(*) FROM teller.events), (SELECT count(*) FROM hearer.copies"
        " WHERE type LIKE '%%Told')"
    )[0]
    proof.facts = stored
    until(
        lambda: any("relay" in each for each in load.readiness("teller")),
        "the teller says that it is not ready",
        WAIT_S,
    )
    proof.check("alarm", [])
    proof.check("nothing skipped", [] if copied < stored else ["facts passed the relay"])
    load.sql("UPDATE teller.relay SET position = (SELECT max(position) - 2 FROM teller.events)")
    load.goes_round()  # an operator has looked and put the position right
    load.prove(proof)
    proof.holds()


def test_a_topic_that_was_made_anew_is_noticed_and_filled_again_by_the_book(
    load: Load, servers: Ground, prove: Callable[[str], Proof]
) -> None:
    proof = prove("Kafka: the topic is deleted and made anew; mended by the book")
    with load.running():
        load.flows()
    load.settles()
    make_anew(servers.kafka.bootstrap.split(","), load.topic)
    proof.begins()
    reads_no_more(load, "hearer")
    before = load.sql(HEARD)[0][0]
    load.tell(load.deals[0])
    until(lambda: load.sql(BEHIND)[0][0] == 0, "the new topic has the new facts", WAIT_S)
    proof.check("nothing read", [] if load.sql(HEARD)[0][0] == before else ["facts were read"])
    load.apart.kill("hearer")
    load.apart.spawn("hearer")
    until(lambda: load.apart.died("hearer"), "it does not start over a shorter log", WAIT_S)
    said = "the topic was made anew or has lost records" in log_of(load, "hearer")
    proof.check("says why", [] if said else ["it does not"])
    load.apart.terminate("teller")
    for name in SERVICES:
        load.in_schema(name, reset_of(load.topic))
    load.apart.start(*SERVICES)
    with load.running():
        load.goes_round()
        proof.recovered()
        load.flows()
    load.prove(proof)
    proof.holds()


def make_anew(bootstrap: list[str], topic: str) -> None:
    """Delete a topic under those who read it, and make an empty one of its name."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.delete_topics([topic])
    until(lambda: topic not in admin.list_topics(), "the topic is gone", WAIT_S)
    admin.close()
    create_topics(bootstrap, {}, {topic: PARTITIONS}, Keeping())


def reads_no_more(load: Load, name: str) -> None:
    until(
        lambda: any("deleted and made again" in each for each in load.readiness(name)),
        "the reader says that the log was made again",
        WAIT_S,
    )


def log_of(load: Load, name: str) -> str:
    return load.apart.logs[name].read_text(encoding="utf-8")
