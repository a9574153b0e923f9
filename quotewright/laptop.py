"""A laptop's surroundings: PostgreSQL, Kafka where asked for, keys, secrets, and the settings.

Everything lies below one folder (`.local`); secrets are made once, readable by their owner only.
"""

import base64
import json
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import psycopg
import yaml
from psycopg import sql

from infra.auth import service_key
from infra.keys import SigningKey
from infra.local import SUPERUSER, LocalPostgres
from infra.local_kafka import LocalKafka
from infra.postgres import provision
from infra.settings import Settings
from quotewright.playing import TELECOM
from quotewright.prefixes import PREFIXES, SCHEMAS

ROOT = Path(__file__).resolve().parents[1]
DATABASE = "quotewright"
CRM = "example-crm"
APPROVER_SYSTEM = "approvals"
BusName = Literal["embedded", "kafka"]


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is secret on this laptop, made at the first start."""

    link_key: str
    crm_inbound: str
    crm_outbound: str
    approvals_outbound: str
    approvals_inbound: str
    service_key: str
    service_key_sha256: str


class Laptop:
    """Starts the servers and knows the settings; a context manager, stops what it started."""

    def __init__(
        self,
        home: Path,
        bus: BusName,
        servers: "Servers | None" = None,
        catalog: Path = TELECOM,
    ) -> None:
        """Prepare below `home`; `servers` are running ones to use instead of our own."""
        self.home = home.resolve()
        self.catalog = catalog.resolve()
        self.bus = bus
        self._given = servers
        self._postgres: LocalPostgres | None = None
        self._kafka: LocalKafka | None = None
        self.port = free_port()
        self.endpoints: dict[str, str] = {}
        # Positions in one log mean nothing in another, so each bus has a database of its own.
        self._database = DATABASE if bus == "embedded" else f"{DATABASE}_{bus}"

    def start(self) -> None:
        """Start PostgreSQL and, if it is the bus, Kafka.

        Create database, roles, schemas and keys.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        if self._given is None:
            self._postgres = LocalPostgres(self.home)
            self._postgres.start()
            if self.bus == "kafka":
                self._kafka = LocalKafka(self.home, nodes=1)
                self._kafka.start()
        self._create_database()
        provision(self.admin_dsn, SCHEMAS)
        self.secrets = _secrets(self.home / "secrets.json")
        self.key_path = self.home / "signing.pem"
        if not self.key_path.exists():
            SigningKey.create(self.key_path)

    def stop(self) -> None:
        """Stop what was started here; safe to repeat."""
        if self._kafka is not None:
            self._kafka.stop()
        if self._postgres is not None:
            self._postgres.stop()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where this laptop's house answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin_dsn(self) -> str:
        """The administrator's connection string to this laptop's database."""
        return self._server().dsn(SUPERUSER, self._database)

    def values(self) -> dict[str, Any]:
        """Return the settings of one process that holds all six services."""
        kafka = self._bootstrap()
        return {
            "bus": self.bus,
            "dsn_template": self._server().dsn("quotewright_{service}", self._database),
            "kafka_bootstrap": kafka,
            "catalog_dir": str(self.catalog),
            "local_dir": str(self.home),
            "public_url": self.url,
            "peers": dict.fromkeys(PREFIXES, self.url),
            "endpoints": {
                name: {"url": url, "secret": self._outbound(name)}
                for name, url in self.endpoints.items()
            },
            "webhook_keys": {
                CRM: [self.secrets.crm_inbound],
                APPROVER_SYSTEM: [self.secrets.approvals_inbound],
            },
            "jwt_private_key": str(self.key_path),
            "demo_people": _people(self.catalog),
            "service_keys": {"house": self.secrets.service_key_sha256},
            "service_key": self.secrets.service_key,
            "link_key": self.secrets.link_key,
            "http_port": self.port,
            "log_level": "error",
            "crms": [CRM],
            "instance": "laptop",
            "partitions": 3 if self.bus == "kafka" else 1,
        }

    def settings(self, **changes: Any) -> Settings:
        """Return the settings as the services take them."""
        return Settings(**{**self.values(), **changes})

    def environment(self, **changes: Any) -> dict[str, str]:
        """Return the same as variables, for services in processes of their own."""
        values = {**self.values(), **changes}
        return {f"QW_{name.upper()}": _as_variable(value) for name, value in values.items()}

    def _outbound(self, name: str) -> str:
        return (
            self.secrets.approvals_outbound
            if name == APPROVER_SYSTEM
            else self.secrets.crm_outbound
        )

    def _server(self) -> LocalPostgres:
        server = self._given.postgres if self._given else self._postgres
        if server is None:
            raise RuntimeError("start the laptop first")
        return server

    def _bootstrap(self) -> tuple[str, ...]:
        cluster = self._given.kafka if self._given else self._kafka
        return tuple(cluster.bootstrap.split(",")) if cluster and self.bus == "kafka" else ()

    def _create_database(self) -> None:
        if self._given is not None:
            self._database = self._given.database
        with psycopg.connect(self._server().dsn(SUPERUSER, "postgres"), autocommit=True) as admin:
            known = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (self._database,))
            if not known.fetchone():
                admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self._database)))


@dataclass(frozen=True, slots=True)
class Servers:
    """Servers that run already, and the database to use there."""

    postgres: LocalPostgres
    kafka: LocalKafka | None
    database: str


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _secrets(path: Path) -> Secrets:
    if path.exists():
        return Secrets(**json.loads(path.read_text(encoding="utf-8")))
    key, digest = service_key("house", secrets.token_bytes)
    made = {
        "link_key": secrets.token_urlsafe(48),
        **{name: _webhook_secret() for name in ("crm_inbound", "crm_outbound")},
        **{name: _webhook_secret() for name in ("approvals_outbound", "approvals_inbound")},
        "service_key": key,
        "service_key_sha256": digest,
    }
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(made, file)
    return Secrets(**made)


def _people(catalog: Path) -> dict[str, list[str]]:
    """Return as whom one may sign in on this laptop: one of each role, and the approvers."""
    directory = catalog / "directory.yaml"
    approvers = yaml.safe_load(directory.read_text(encoding="utf-8"))["approvers"]
    people = {f"{role}-1": [role] for role in ("seller", "manager", "analyst", "admin")}
    return people | {each["id"]: ["approver"] for each in approvers if each["active"]}


def _webhook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _as_variable(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)
