"""All settings of a process: read from `QW_...` variables once, checked, frozen, passed on.

`load()` is called in a main and nowhere else. A wrong or missing setting names its variable and
what it must be; a secret never stands in a repr, an error or a log.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariable

from contracts.errors import QuotewrightError

PREFIX = "QW_"
NAME = r"^[a-z][a-z0-9_-]{0,62}$"


class SettingsError(QuotewrightError):
    """A setting is missing or wrong; the message names each variable and what it must be."""

    code = "settings.wrong"
    title = "The settings are wrong"


def _url(value: str) -> str:
    """Check an address without ever repeating it: it may hold a password."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an http(s) address without query or fragment")
    if parts.username or parts.password:
        raise ValueError("must not hold a user name or password")
    return value.rstrip("/")


def _smtp_url(value: SecretStr) -> SecretStr:
    """Check a mail server's address without ever repeating it: it may hold a password."""
    try:
        parts = urlsplit(value.get_secret_value())
        good = parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must be smtp://host:port or smtps://user:password@host:port")
    return value


def _webhook_secret(value: SecretStr) -> SecretStr:
    """Check the form `whsec_<base64 of 24 to 64 bytes>` that Standard Webhooks asks for."""
    text = value.get_secret_value()
    if not re.fullmatch(r"whsec_[A-Za-z0-9+/]{32,88}={0,2}", text):
        raise ValueError("must be `whsec_` and the base64 of 24 to 64 random bytes")
    return value


SmtpUrl = Annotated[SecretStr, AfterValidator(_smtp_url)]
MailAddress = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,8}$")
]
Url = Annotated[str, AfterValidator(_url)]
WebhookSecret = Annotated[SecretStr, AfterValidator(_webhook_secret)]
Name = Annotated[str, Field(pattern=NAME)]
KeySha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Endpoint(BaseModel):
    """An outside address that gets our webhooks, and the secret that signs them.

    `old_secret` signs as well while the receiver changes over to a new one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Url
    secret: WebhookSecret
    old_secret: WebhookSecret | None = None


class Settings(BaseSettings):
    """The settings of one process. Lists and maps are JSON in their variable."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_ignore_empty=True,
    )

    # Where facts go and rows live.
    bus: Literal["embedded", "kafka"] = "embedded"
    dsn: SecretStr | None = Field(
        default=None, description="PostgreSQL of the one service that runs here"
    )
    dsn_template: SecretStr | None = Field(
        default=None, description="the same for several, with {service}"
    )
    admin_dsn: SecretStr | None = Field(
        default=None, description="who may create schemas and roles"
    )
    pool_min: int = Field(default=1, ge=0, le=50)
    pool_max: int = Field(default=6, ge=1, le=200)

    kafka_bootstrap: tuple[str, ...] = ()
    kafka_security: dict[str, bool | int | SecretStr] = Field(
        default_factory=dict,
        description="passed to the Kafka client: security_protocol, sasl_mechanism ...",
    )
    facts_topic: str = "quotewright.facts"
    inbound_topic: str = "quotewright.crm.inbound"
    parked_topic: str = "quotewright.parked"
    instance: str | None = Field(
        default=None,
        description="stable name of this process: its restart is then no Kafka rebalance",
    )
    partitions: int = Field(default=12, ge=1, le=1000)
    replication: int = Field(default=1, ge=1, le=9)
    min_in_sync: int | None = Field(
        default=None, ge=1, le=9, description="replicas that acknowledge a record; None: a majority"
    )
    retention_days: int | None = Field(
        default=None, ge=1, le=36_500, description="how long topics keep records; None: for ever"
    )

    # What is at hand.
    catalog_dir: Path = Path("catalogs/telecom")
    local_dir: Path = Path(".local")

    # Who talks to whom.
    public_url: Url = "http://127.0.0.1:8000"
    peers: dict[Name, Url] = Field(default_factory=dict)
    endpoints: dict[Name, Endpoint] = Field(default_factory=dict)
    webhook_keys: dict[Name, tuple[WebhookSecret, ...]] = Field(default_factory=dict)
    crms: tuple[Name, ...] = Field(
        default=(),
        description="which systems of QW_WEBHOOK_KEYS are CRMs and may open opportunities",
    )

    smtp_url: SmtpUrl | None = Field(
        default=None, description="mail server, smtp:// or smtps://; without one no mail is sent"
    )
    mail_from: MailAddress | None = Field(
        default=None, description="from whom our mails come; needed with a mail server"
    )

    # Who is who.
    jwt_public_keys: str | None = Field(
        default=None, description="PEM or JWKS file, or http(s) JWKS address"
    )
    jwt_private_key: Path | None = Field(
        default=None, description="PEM file; only where tokens are made"
    )
    jwt_issuer: str = Field(default="quotewright", min_length=1)
    jwt_audience: str = Field(default="quotewright", min_length=1)
    demo_people: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="people and their roles, as whom anybody may sign in; for demos only",
    )
    service_keys: dict[Name, KeySha256] = Field(default_factory=dict)
    service_key: SecretStr | None = Field(
        default=None, description="our own key, to ask peers with"
    )
    link_key: SecretStr | None = Field(
        default=None, description="signs capability links; 32 characters or more"
    )

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8000, ge=0, le=65535)

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.pool_min > self.pool_max:
            raise ValueError("QW_POOL_MIN: must not be above QW_POOL_MAX")
        if self.bus == "kafka" and not self.kafka_bootstrap:
            raise ValueError(
                'QW_KAFKA_BOOTSTRAP: must name brokers, as ["host:9092"], when QW_BUS is kafka'
            )
        if self.min_in_sync is not None and self.min_in_sync > self.replication:
            raise ValueError("QW_MIN_IN_SYNC: must not be above QW_REPLICATION")
        if self.dsn_template and "{service}" not in self.dsn_template.get_secret_value():
            raise ValueError("QW_DSN_TEMPLATE: must contain {service}")
        if self.link_key and len(self.link_key.get_secret_value()) < 32:
            raise ValueError("QW_LINK_KEY: must have 32 characters or more")
        if self.smtp_url and not self.mail_from:
            raise ValueError("QW_MAIL_FROM: must be a mail address when QW_SMTP_URL is given")
        return self

    def dsn_of(self, service: str) -> str:
        """Return the connection string of a service's role; it holds a password, so never log it.

        Raises: SettingsError, if neither QW_DSN nor QW_DSN_TEMPLATE is given.
        """
        if self.dsn_template:
            return self.dsn_template.get_secret_value().replace("{service}", service)
        if self.dsn:
            return self.dsn.get_secret_value()
        raise SettingsError(
            "QW_DSN: must be a PostgreSQL connection string (or QW_DSN_TEMPLATE one with {service})"
        )

    def kafka_client(self) -> dict[str, Any]:
        """Return the Kafka client's security options in the clear, for the client only."""
        return {name: _clear(value) for name, value in self.kafka_security.items()}


def load() -> Settings:
    """Read the settings from the environment, once per process.

    Raises: SettingsError, naming every wrong, missing or unknown variable, never its value.
    """
    problems = _unknown(os.environ)
    try:
        settings = Settings()
    except ValidationError as fault:
        problems += _told(fault)
    except UnreadableVariable as fault:
        # The library's cause repeats the text, which may be a secret: take the field's name only.
        field = re.search(r'field "(\w+)"', str(fault))
        name = PREFIX + field.group(1).upper() if field else "a QW_ variable"
        problems.append(f"{name}: must be JSON")
    if problems:
        raise SettingsError("; ".join(problems)) from None
    return settings


def _unknown(names: Iterable[str]) -> list[str]:
    """Tell variables with our prefix that nobody reads: most often a typing error."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    strangers = sorted(
        each for each in names if each.upper().startswith(PREFIX) and each.upper() not in known
    )
    return [f"{each}: no such setting" for each in strangers]


def _told(fault: ValidationError) -> list[str]:
    """Say per variable what it must be; inputs stay out of it."""
    told = []
    for each in fault.errors(include_input=False, include_url=False, include_context=False):
        first, *rest = [str(part) for part in each["loc"]] or [""]
        message = each["msg"].removeprefix("Value error, ")
        if not first:
            told.append(message)
            continue
        inside = f" ({'.'.join(rest)})" if rest else ""
        told.append(f"{PREFIX}{first.upper()}{inside}: {message}")
    return told


def _clear(value: bool | int | SecretStr) -> bool | int | str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
