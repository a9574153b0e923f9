"""The form of a what-if: what somebody chose on the page, as the ask that the JSON door takes."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from contracts.errors import NotFound, QuotewrightError, Refused
from infra.pages import FormInvalid
from infra.problems import field_errors
from services.pricer.books import BookRefused, Key
from services.pricer.documents import from_yaml
from services.pricer.domain.what_ifs.candidate import CandidateRefused
from services.pricer.what_if_asks import WhatIfAsk

# Names of fields that choose: `tier.gold` is ticked for quotes of gold customers.
CHOOSES = {"tier": "tiers", "region": "regions", "product": "products"}
# Where what the ask refuses stands on the page.
FIELDS = {
    "quotes.first": "first",
    "quotes.last": "last",
    "": "last",  # what is said of the whole ask is that its days lie the wrong way round
    "day": "day",
    "name": "name",
    "version": "book",
    "compare_with": "compare_with",
}


def asked(form: Mapping[str, str]) -> WhatIfAsk:
    """Return the ask that a form makes.   Raises: FormInvalid, BookRefused."""
    tree: dict[str, Any] = {
        "name": form.get("name") or "",
        "quotes": _chosen(form),
        "day": form.get("day") or None,
        "approvals": form.get("approvals") == "on",
    }
    if form.get("compare_with"):
        tree["compare_with"] = _version(form["compare_with"], "compare_with")
    tree |= _book(form)
    try:
        return WhatIfAsk.model_validate(tree)
    except ValidationError as fault:
        found = [{**each, "loc": (_place(each["loc"]),)} for each in fault.errors()]
        raise FormInvalid(field_errors(found)) from None


def _book(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the version, the version with changes, or the whole document that is written."""
    text = form.get("changes") or ""
    if not text:
        return {"version": _version(form.get("book") or "", "book")}
    try:
        tree = from_yaml(text.encode(), "what you wrote")
    except Refused as fault:
        raise FormInvalid({"changes": fault.message}) from None
    if "entries" in tree and "currency" in tree:
        return {"document": tree}
    return {"changed": {"of": _version(form.get("book") or "", "book"), "changes": tree}}


def _version(text: str, field: str) -> dict[str, Any]:
    name, _, number = text.rpartition("/")
    if not name or not number.isascii() or not number.isdigit() or len(number) > 7:
        raise FormInvalid({field: "choose a version of a price book"})
    return {"id": name, "version": int(number)}


def _chosen(form: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {name: form.get(name) or None for name in ("first", "last")}
    for kind, field in CHOOSES.items():
        prefix = f"{kind}."
        names = [name.removeprefix(prefix) for name in sorted(form) if name.startswith(prefix)]
        found[field] = names
    return found


def _place(loc: Sequence[int | str]) -> str:
    return FIELDS.get(
        ".".join(map(str, loc[:2])), FIELDS.get(str(loc[0]) if loc else "", "changes")
    )


def errors_of(
    fault: QuotewrightError, form: Mapping[str, str], known: Collection[Key]
) -> Mapping[str, str]:
    """Return what a refusal says beside which field; nothing, where it is of no field.

    `known` are the versions that there are.
    """
    match fault:
        case FormInvalid():
            return fault.errors
        case NotFound():
            chosen = {name: _key(form.get(name) or "") for name in ("book", "compare_with")}
            gone = [name for name, key in chosen.items() if key is not None and key not in known]
            return dict.fromkeys(gone, "It is there no longer; choose another one.")
        case CandidateRefused() if fault.message.startswith("compare_with"):
            return {"compare_with": fault.message.removeprefix("compare_with: ")}
        case CandidateRefused() | BookRefused():
            return {"changes" if form.get("changes") else "book": fault.message}
    return {}


def _key(text: str) -> Key | None:
    try:
        found = _version(text, "book")
    except FormInvalid:
        return None
    return found["id"], found["version"]
