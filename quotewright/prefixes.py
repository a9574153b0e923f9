"""Names of the services, their schemas and paths, for those who need no service itself."""

from collections.abc import Mapping

# The path below which each service answers.
PREFIXES: Mapping[str, str] = {
    "crm_projector": "/crm",
    "quotes": "/quotes",
    "configurator": "/configurator",
    "pricer": "/pricer",
    "approvals": "/approvals",
    "documents": "/documents",
}
# The schemas that each service owns; analysts read `bi`.
SCHEMAS: Mapping[str, tuple[str, ...]] = {
    name: (name, "bi") if name == "crm_projector" else (name,) for name in PREFIXES
}
