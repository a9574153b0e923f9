"""A laptop's Apache Kafka 4.1 (KRaft), from jars named by Maven coordinates: no Docker.

`make` puts the jars below `.local/kafka/libs` (`infra.local_jars`). PostgreSQL's half is
`infra.local`.
"""

import base64
import functools
import os
import secrets
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.local_jars import JARS, jars_are_there
from infra.local_process import LocalServerFailed, ServerProcess, passing_home

START_DEADLINE_S = 60.0
ASK_TIMEOUT_S = 2.0
# Below Linux's range for outgoing connections (32768 up): a client that keeps knocking on a dead
# broker's port could otherwise be given that very port, connect to itself, and keep the broker from
# coming back.
PORTS = range(20_000, 32_000)
JVM = ["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
JVM += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]


class LocalKafka:
    """A Kafka cluster of our own on 127.0.0.1, of combined brokers and controllers.

    Topics are never made by themselves. Start it from the main thread. Its brokers die with the
    process that started them. Ports are free ones, chosen once for this object: a killed broker
    comes back on its own.
    """

    def __init__(self, home: Path, *, nodes: int, fronts: Sequence[int] = ()) -> None:
        """Keep the data below `home`; `nodes` is 1, or 3 to survive the loss of one.

        `fronts` has a port per node at which a proxy stands: who comes through it to the node's
        `back_port` is told to stay with the proxy, while others still reach the broker itself.
        """
        self.home = home.resolve()
        self._fronts = fronts
        self._ephemeral = False
        ports = _free_ports(2 * nodes + len(fronts))
        self._ports, self._back_ports = ports[: 2 * nodes], ports[2 * nodes :]
        self._nodes = [self._node(number) for number in range(1, nodes + 1)]

    @classmethod
    def ephemeral(cls, *, nodes: int, fronts: Sequence[int] = ()) -> Self:
        """Make a cluster for tests: new and empty, removed by `stop`."""
        cluster = cls(passing_home(), nodes=nodes, fronts=fronts)
        cluster._ephemeral = True
        return cluster

    @property
    def bootstrap(self) -> str:
        """The brokers' addresses, as a client wants them."""
        return ",".join(f"127.0.0.1:{self._broker_port(n)}" for n in self._numbers())

    def start(self) -> None:
        """Start the brokers that do not run, and return when each one sees all the others alive.

        Raises: LocalServerFailed, naming the log file, or the process that uses the data.
        """
        if not jars_are_there():
            raise LocalServerFailed(
                "Kafka's jars are not there: `make test` or `make demo BUS=kafka` sets up"
            )
        cluster_id = self._cluster_id()
        started = [number for number in self._numbers() if not self._nodes[number - 1].running]
        for number in started:
            self._start_node(number, cluster_id)
        for number in started:
            ready = functools.partial(self._sees_all, number)
            self._nodes[number - 1].wait_until(ready, deadline_s=START_DEADLINE_S)

    def stop(self) -> None:
        """End all brokers and return when they are gone; safe to call twice."""
        for node in self._nodes:  # all are told first: the last to leave would wait for a quorum
            node.ask_to_stop()
        for node in self._nodes:
            node.stop()
        if self._ephemeral:
            shutil.rmtree(self.home, ignore_errors=True)

    def kill(self, node: int) -> None:
        """End broker `node` (from 1) as a power cut would; `start` brings it back on its port."""
        self._nodes[node - 1].kill()

    def back_port(self, node: int) -> int:
        """Return the port of broker `node` (from 1) to which a proxy hands on."""
        return self._back_ports[node - 1]

    def log(self, node: int) -> Path:
        """Return the log file of broker `node` (from 1)."""
        return self._nodes[node - 1].log

    def pid(self, node: int) -> int:
        """Return the pid of broker `node` (from 1)."""
        return self._nodes[node - 1].pid

    @property
    def running(self) -> bool:
        """Whether every broker is alive."""
        return all(node.running for node in self._nodes)

    def __enter__(self) -> Self:
        """Start the cluster; if that fails, leave nothing running."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the cluster."""
        self.stop()

    def _numbers(self) -> range:
        return range(1, len(self._ports) // 2 + 1)

    def _broker_port(self, number: int) -> int:
        return self._ports[2 * number - 2]

    def _controller_port(self, number: int) -> int:
        return self._ports[2 * number - 1]

    def _place(self, number: int) -> Path:
        return self.home / "kafka" / f"node-{number}"

    def _node(self, number: int) -> ServerProcess:
        place = self._place(number)
        return ServerProcess(
            f"Kafka (node {number})",
            log=place / "server.log",
            lock=place / "server.lock",
            stop_signals={signal.SIGTERM: 15, signal.SIGKILL: 5},
            orphan_signal="TERM",
        )

    def _cluster_id(self) -> str:
        """Return this home's cluster id, making one the first time."""
        file = self.home / "kafka" / "cluster.id"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            # The first byte keeps the text from starting with "-", which would be an option.
            raw = b"\x00" + secrets.token_bytes(15)
            file.write_text(base64.urlsafe_b64encode(raw).decode().rstrip("="), encoding="ascii")
        return file.read_text(encoding="ascii")

    def _start_node(self, number: int, cluster_id: str) -> None:
        node, place = self._nodes[number - 1], self._place(number)
        place.mkdir(parents=True, exist_ok=True)
        with node.sole_use() as held:
            config = place / "server.properties"
            lines = [f"{name}={value}" for name, value in self._settings(number).items()]
            config.write_text("\n".join(lines) + "\n", encoding="utf-8")
            if not (place / "data" / "meta.properties").exists():
                self._format(number, config, cluster_id)
            node.spawn(_java("kafka.Kafka", str(config)), held=held, as_user=[], cwd=place)

    def _format(self, number: int, config: Path, cluster_id: str) -> None:
        command = ["format", "-t", cluster_id, "-c", str(config), "--ignore-formatted"]
        with self.log(number).open("ab") as log:
            java = _java("kafka.tools.StorageTool", *command)
            done = subprocess.run(java, stdout=log, stderr=log, check=False)
        if done.returncode:
            raise LocalServerFailed(
                f"Kafka's storage could not be formatted, see {self.log(number)}"
            )

    def _settings(self, number: int) -> dict[str, str]:
        """Return one node's configuration: small, quick to fail over; three bear one loss."""
        copies, in_sync = (3, 2) if len(self._numbers()) > 2 else (1, 1)
        voters = ",".join(f"{n}@127.0.0.1:{self._controller_port(n)}" for n in self._numbers())
        broker = f"PLAINTEXT://127.0.0.1:{self._broker_port(number)}"
        listens, tells = broker, broker
        if self._fronts:
            listens += f",FRONT://127.0.0.1:{self.back_port(number)}"
            tells += f",FRONT://127.0.0.1:{self._fronts[number - 1]}"
        return {
            "process.roles": "broker,controller",
            "node.id": f"{number}",
            "controller.quorum.voters": voters,
            "listeners": f"{listens},CONTROLLER://127.0.0.1:{self._controller_port(number)}",
            "advertised.listeners": tells,
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": (
                "PLAINTEXT:PLAINTEXT,FRONT:PLAINTEXT,CONTROLLER:PLAINTEXT"
            ),
            "log.dirs": str(self._place(number) / "data"),
            "auto.create.topics.enable": "false",
            "default.replication.factor": f"{copies}",
            "min.insync.replicas": f"{in_sync}",
            "offsets.topic.replication.factor": f"{copies}",
            "offsets.topic.num.partitions": "3",
            "transaction.state.log.replication.factor": f"{copies}",
            "transaction.state.log.min.isr": f"{in_sync}",
            "transaction.state.log.num.partitions": "3",
            "share.coordinator.state.topic.replication.factor": f"{copies}",
            "share.coordinator.state.topic.min.isr": f"{in_sync}",
            "group.initial.rebalance.delay.ms": "0",
            "broker.session.timeout.ms": "2000",
            "broker.heartbeat.interval.ms": "500",
            "log.cleaner.dedupe.buffer.size": "16777216",
        }

    def _sees_all(self, number: int) -> bool:
        return _brokers_seen_by(self._broker_port(number)) == len(self._numbers())


def _java(main: str, *words: str) -> list[str]:
    java = shutil.which("java")
    if java is None:
        raise LocalServerFailed(
            "Java is not installed: `make test` or `make demo BUS=kafka` sets up"
        )
    return [java, *JVM, "-cp", f"{JARS}{os.sep}*", main, *words]


def _free_ports(count: int) -> list[int]:
    """Choose ports that are free now, at random: two clusters that start together hardly meet."""
    ports: list[int] = []
    for port in secrets.SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                ports.append(port)
        if len(ports) == count:
            return ports
    raise LocalServerFailed(f"no {count} free ports between {PORTS.start} and {PORTS.stop}")


def _brokers_seen_by(port: int) -> int:
    """Ask a broker how many live brokers it knows (Metadata v1); 0 while it does not answer.

    By hand, since a client made before the port is open waits up to 30 s before it asks again.
    """
    client = b"quotewright"
    request = struct.pack(">hhih", 3, 1, 1, len(client)) + client + struct.pack(">i", 0)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ASK_TIMEOUT_S) as broker:
            broker.sendall(struct.pack(">i", len(request)) + request)
            answer = broker.makefile("rb").read(12)  # length, correlation id, number of brokers
    except OSError:
        return 0
    return int(struct.unpack(">iii", answer)[2]) if len(answer) == 12 else 0
