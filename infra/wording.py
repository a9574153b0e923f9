"""What is wrong with a field, in our own words: what to do, as it stands beside the field."""

from collections.abc import Mapping
from typing import Any

# By the kind of the fault as pydantic names it; `{...}` is what the rule allows.
WORDS: Mapping[str, str] = {
    "missing": "Fill this in",
    "string_type": "Give a text",
    "string_too_short": "Give at least {min_length} characters",
    "string_too_long": "Keep it to {max_length} characters",
    "string_pattern_mismatch": "This is not in the form that is asked for",
    "string_unicode": "Give a text in UTF-8",
    "literal_error": "Choose {expected}",
    "enum": "Choose {expected}",
    "bool_parsing": "Say true or false",
    "int_parsing": "Give a whole number",
    "int_from_float": "Give a whole number",
    "int_type": "Give a whole number",
    "float_parsing": "Give a number",
    "decimal_parsing": "Give a number",
    "decimal_type": "Give a number",
    "finite_number": "Give a number",
    "decimal_max_digits": "Give a number of at most {max_digits} digits",
    "decimal_max_places": "Give at most {decimal_places} decimals",
    "decimal_whole_digits": "Give a number of at most {whole_digits} digits before the point",
    "greater_than": "Give more than {gt}",
    "greater_than_equal": "Give {ge} or more",
    "less_than": "Give less than {lt}",
    "less_than_equal": "Give {le} or less",
    "date_parsing": "Give a day, such as 2026-03-31",
    "date_from_datetime_parsing": "Give a day, such as 2026-03-31",
    "date_from_datetime_inexact": "Give a day, such as 2026-03-31",
    "datetime_parsing": "Give a time, such as 2026-03-31T12:00:00Z",
    "datetime_from_date_parsing": "Give a time, such as 2026-03-31T12:00:00Z",
    "timezone_aware": "Give a time with its zone, such as 2026-03-31T12:00:00Z",
    "uuid_parsing": "This is no id; follow a link instead of writing it",
    "uuid_type": "This is no id; follow a link instead of writing it",
    "too_short": "Give at least {min_length}",
    "too_long": "Give at most {max_length}",
    "list_type": "Give a list",
    "tuple_type": "Give a list",
    "dict_type": "Give an object",
    "model_type": "Give an object",
    "model_attributes_type": "Give an object",
    "extra_forbidden": "This is not known here; leave it out",
    "json_invalid": "This is not JSON",
}


def words_of(error: Mapping[str, Any]) -> str:
    """Return what to do about one error of pydantic's; of one of ours, what it says itself."""
    known = WORDS.get(str(error["type"]))
    if known is None:
        said = str(error["msg"]).removeprefix("Value error, ")
        return said[:1].upper() + said[1:]
    allowed = {name: _plain(value) for name, value in (error.get("ctx") or {}).items()}
    return known.format_map(allowed)


def _plain(value: object) -> str:
    """Return what a rule allows as people write it: `'a', 'b' or 'c'` is `a, b or c`."""
    return str(value).replace("'", "")
