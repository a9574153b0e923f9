"""The OpenAPI description of an app: every error in one form, every route's roles."""

from collections.abc import Mapping
from typing import Any, Literal

from fastapi import FastAPI

from infra.problems import MEDIA_TYPE, Problem

BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "a signed token (JWT) of a person, or a service key `qwk_...`",
}
_SCHEMA_REF = "#/components/schemas/{model}"
_VALIDATION = ("HTTPValidationError", "ValidationError")


def describe(
    app: FastAPI, policies: Mapping[tuple[str, str], frozenset[str] | Literal["public"]]
) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document with problems and roles; made once per app."""
    fresh = app.openapi_schema is None
    document = app.openapi()
    if not fresh:
        return document
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _VALIDATION:
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template=_SCHEMA_REF)
    schemas.update(problem.pop("$defs"))
    schemas["Problem"] = problem
    document["components"].setdefault("securitySchemes", {})["bearer"] = BEARER
    for (method, path), policy in policies.items():
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is not None:
            _describe_operation(operation, policy)
    return document


def _describe_operation(
    operation: dict[str, Any], policy: frozenset[str] | Literal["public"]
) -> None:
    responses = operation["responses"]
    responses.pop("422", None)
    responses["default"] = {
        "description": "A problem (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": {"$ref": _SCHEMA_REF.format(model="Problem")}}},
    }
    if policy == "public":
        operation["security"] = []
    else:
        operation["security"] = [{"bearer": []}]
        operation["x-roles"] = sorted(policy)
