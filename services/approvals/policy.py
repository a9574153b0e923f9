"""Read authority policies and the directory of approvers from YAML; linted, or not at all."""

import hashlib
import json
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from contracts.errors import Refused
from contracts.values import Pin, Value
from services.approvals.domain.directory import Directory
from services.approvals.domain.lint import PolicyFaulty, check
from services.approvals.domain.policy import Policy

POLICIES = "approval_policies"
DIRECTORY = "directory.yaml"
SEAL = "sha256"
M = TypeVar("M", bound=Value)


class NoPolicyInForce(Refused):
    """No version of the authority policy is effective on the day."""

    code = "approval.no_policy_in_force"


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """A policy and the pin that names this very content."""

    policy: Policy
    pin: Pin


@dataclass(frozen=True, slots=True)
class Authority:
    """All published versions, the newest last, and today's directory."""

    policies: tuple[PublishedPolicy, ...]
    directory: Directory

    def on(self, day: date) -> PublishedPolicy:
        """Return the last version that is effective on the day.   Raises: NoPolicyInForce."""
        in_force = [each for each in self.policies if each.policy.effective <= day]
        if not in_force:
            raise NoPolicyInForce(
                f"no authority policy is effective on {day}; publish one that is", day=day
            )
        return in_force[-1]


def load(catalog_dir: Path) -> Authority:
    """Read, check and lint everything; nothing is used if anything is faulty.

    Raises: PolicyFaulty, naming the file and every fault.
    """
    directory = _checked(catalog_dir / DIRECTORY, Directory, _content(catalog_dir / DIRECTORY))
    files = sorted((catalog_dir / POLICIES).glob("*.yaml"))
    published = sorted(
        (_published(file, directory) for file in files),
        key=lambda each: (each.policy.effective, each.policy.version),
    )
    versions = [each.policy.version for each in published]
    if not published or len({each.policy.id for each in published}) > 1:
        raise PolicyFaulty(f"{POLICIES}: there must be one policy, in one or more versions")
    if versions != sorted(set(versions)):
        raise PolicyFaulty(f"{POLICIES}: versions must be unique and rise with their effective day")
    return Authority(tuple(published), directory)


def _published(file: Path, directory: Directory) -> PublishedPolicy:
    content = _content(file)
    sealed = content.pop(SEAL, None)
    digest = _digest(content)
    policy = _checked(file, Policy, content)
    check(policy, directory)
    if sealed != digest:
        raise PolicyFaulty(
            f"{file.name}: its content is not what it was sealed with; restore it and publish the "
            f"change as a new version (the seal of a new version: {digest})",
            file=file.name,
            sha256=digest,
        )
    return PublishedPolicy(policy, Pin(id=policy.id, version=policy.version, sha256=digest))


class _ExactLoader(yaml.BaseLoader):
    """Leaves every scalar text, so no number becomes a binary float; refuses a doubled key."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Read a mapping, as the library does, but never drop a key silently."""
        keys = [self.construct_object(key) for key, _ in node.value]
        doubled = sorted({str(key) for key in keys if keys.count(key) > 1})
        if doubled:
            raise yaml.constructor.ConstructorError(
                None, None, f"{', '.join(doubled)} stands there twice", node.start_mark
            )
        return super().construct_mapping(node, deep)


def _content(file: Path) -> dict[str, Any]:
    try:
        raw = yaml.load(file.read_text(encoding="utf-8"), Loader=_ExactLoader)  # noqa: S506
    except OSError:
        raise PolicyFaulty(f"{file.name}: it can not be read", file=file.name) from None
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise PolicyFaulty(f"{file.name}: it is not clean YAML: {fault}", file=file.name) from None
    if not isinstance(raw, dict):
        raise PolicyFaulty(f"{file.name}: it must be a mapping", file=file.name)
    return raw


def _digest(content: dict[str, Any]) -> str:
    """Hash what a file says, not how it is laid out; without the seal itself."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _checked(file: Path, kind: type[M], content: dict[str, Any]) -> M:
    try:
        return kind.model_validate(content)
    except ValidationError as fault:
        told = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}"
            for each in fault.errors()[:10]
        )
        raise PolicyFaulty(f"{file.name}: {told}", file=file.name) from None
