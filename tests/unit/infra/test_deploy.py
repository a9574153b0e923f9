"""The files for Docker: compose.yaml against its published schema, its settings against ours.

Docker can not run here, so this reads the files. The schema is the Compose specification's own, as the
`check-jsonschema` package ships it.
"""

import importlib.resources
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from infra.doors import Limits
from infra.settings import Settings, load
from services.pricer import documents

DEPLOY = Path(__file__).resolve().parents[3] / "infra" / "deploy"
# Our six, as the host names a container may have (no underscore).
SERVICES = {"quotes", "configurator", "pricer", "approvals", "documents", "crm-projector"}
ENDPOINTS = '{"acme": {"url": "https://example.test/hook", "secret": "whsec_%s"}}' % ("A" * 32)
VALUES = {
    "PUBLIC_URL": "https://quotes.example.test",
    "SERVICE_KEYS": '{"pricer": "%s"}' % ("0" * 64),
    "APPROVALS_ENDPOINTS": ENDPOINTS,
    "CRM_ENDPOINTS": ENDPOINTS,
    "APPROVALS_WEBHOOK_KEYS": '{"acme": ["whsec_%s"]}' % ("A" * 32),
    "CRM_WEBHOOK_KEYS": '{"acme": ["whsec_%s"]}' % ("A" * 32),
    "CRM_NAMES": '["acme"]',
    "SMTP_URL": "smtps://quotes:secret@mail.example.test",
    "MAIL_FROM": "quotes@example.test",
    "PORT": "8080",
}


@pytest.fixture
def compose() -> dict[str, Any]:
    """Read compose.yaml with its anchors merged."""
    found = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def environment(compose: dict[str, Any], service: str) -> dict[str, str]:
    """Return what a container would see, with an example for each variable of `.env`."""
    found = compose["services"][service].get("environment", {})
    return {name: re.sub(r"\$\{(\w+)[^}]*\}", filled, value) for name, value in found.items()}


def filled(variable: re.Match[str]) -> str:
    """Give an example value for a variable of `.env`: a long word, if it need not have a form."""
    return VALUES.get(variable[1], "x" * 40)


def test_compose_yaml_obeys_its_published_schema(compose: dict[str, Any]) -> None:
    schemas = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((schemas / "compose-spec.json").read_text(encoding="utf-8"))
    problems = [
        f"{error.json_path}: {error.message}"
        for error in Draft202012Validator(schema).iter_errors(compose)
    ]
    assert problems == []


def test_the_schema_would_catch_a_misspelt_key(compose: dict[str, Any]) -> None:
    schemas = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((schemas / "compose-spec.json").read_text(encoding="utf-8"))
    compose["services"]["quotes"]["comand"] = "x"
    assert not Draft202012Validator(schema).is_valid(compose)


def test_each_service_runs_its_own_main_with_its_own_role(compose: dict[str, Any]) -> None:
    for name in SERVICES:
        package = name.replace("-", "_")
        assert compose["services"][name]["command"] == ["python", "-m", f"services.{package}.main"]
        assert f"//quotewright_{package}:" in compose["services"][name]["environment"]["QW_DSN"]


@pytest.mark.parametrize("service", sorted(SERVICES | {"provision"}))
def test_the_settings_of_a_container_load(
    compose: dict[str, Any], service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(compose, service).items():
        monkeypatch.setenv(name, value)
    settings = load()
    assert isinstance(settings, Settings)
    assert settings.bus == ("embedded" if service == "provision" else "kafka")


def test_only_quotes_holds_the_private_key(compose: dict[str, Any]) -> None:
    holders = {
        name for name, each in compose["services"].items() if "jwt-private" in json.dumps(each)
    }
    assert holders == {"quotes"}


def test_depends_on_and_volumes_name_what_is_there(compose: dict[str, Any]) -> None:
    for name, each in compose["services"].items():
        assert set(each.get("depends_on", ())) <= set(compose["services"]), name
        for volume in each.get("volumes", ()):
            source = volume.split(":")[0]
            file_is_there = (DEPLOY / source).exists() or source.startswith("./secrets/")
            assert source in compose["volumes"] or file_is_there, volume


def test_the_ingress_routes_to_services_that_are_there() -> None:
    conf = (DEPLOY / "ingress.conf").read_text(encoding="utf-8")
    block = conf[conf.index("map $uri") : conf.index("server {")]
    assert set(re.findall(r"(\S+);$", block, flags=re.MULTILINE)) == SERVICES


def test_the_ingress_lets_in_what_the_doors_behind_it_take() -> None:
    conf = (DEPLOY / "ingress.conf").read_text(encoding="utf-8")
    (books,) = re.findall(r"location ~ (\S+) \{\s+client_max_body_size (\d+)m;", conf)
    assert int(books[1]) * 1024 * 1024 == documents.BYTES_MAX
    for path in (
        "/pricer/books/telecom-list/3/import",
        "/pricer/books/lint",
        "/pricer/fx/rates/2",
        "/pricer/what-ifs",
    ):
        assert re.match(books[0], path), path
    (usual,) = re.findall(r"^    client_max_body_size (\d+)m;", conf, re.MULTILINE)
    assert int(usual) * 1024 * 1024 >= Limits().body_bytes


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_the_ingress_keeps_what_is_for_the_inside(path: str) -> None:
    conf = (DEPLOY / "ingress.conf").read_text(encoding="utf-8")
    kept = re.search(r"location ~ (\S+) \{ return 404; \}", conf)
    assert kept is not None
    assert re.match(kept[1], path)


def test_each_service_gets_its_role_before_the_first_start(compose: dict[str, Any]) -> None:
    script = (DEPLOY / "roles.sh").read_text(encoding="utf-8")
    line = re.search(r"for service in (.*);", script)
    assert line is not None
    roles = set(line[1].split())
    assert roles == {name.replace("-", "_") for name in SERVICES}
    passwords = {f"{role.upper()}_DB_PASSWORD" for role in roles}
    assert passwords <= set(compose["services"]["postgres"]["environment"])


def test_the_image_copies_what_is_in_the_checkout() -> None:
    sources = re.findall(
        r"^COPY (\S+)", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    )
    promised = {
        "contracts",
        "infra",
        "services",
        "quotewright",
        "catalogs",
        "requirements/runtime.txt",
    }
    assert set(sources) == promised
