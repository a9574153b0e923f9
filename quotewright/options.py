"""Options that many commands share, and what each of them does with JSON and a running house."""

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.errors import Refused
from quotewright.client import Client, Where

HOME = Path(__file__).resolve().parents[1] / ".local"
REFUSED, NOT_NOW = 1, 3
# It becomes a part of an address.
NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,59}")


def _a_number(text: str) -> str:
    if not NUMBER.fullmatch(text):
        raise typer.BadParameter("a quote's number is letters, digits and -, as Q-1001")
    return text


Number = Annotated[str, typer.Argument(help="a quote's number, as Q-1001", callback=_a_number)]
Home = Annotated[Path, typer.Option(help="where this laptop keeps its servers and keys")]
Json = Annotated[bool, typer.Option("--json", help="print JSON instead of a table")]
Url = Annotated[str | None, typer.Option(envvar="QUOTEWRIGHT_URL", help="a house elsewhere")]
Token = Annotated[str | None, typer.Option(envvar="QUOTEWRIGHT_TOKEN", help="your bearer token")]


def client_of(where: Where, role: str) -> Client:
    """Return a client of the house, as somebody with the role."""
    return Client(where.address(), where.bearer(role))


def print_json(found: Any) -> None:
    """Print JSON that a person can read too."""
    say(json.dumps(found, indent=2, ensure_ascii=False))


def say(text: str) -> None:
    """Print a line as it is."""
    sys.stdout.write(text + "\n")


def write(path: Path, content: bytes) -> None:
    """Write a file that somebody named.   Raises: Refused, if it can not be written."""
    try:
        path.write_bytes(content)
    except OSError as fault:
        text = (
            f"{path} can not be written ({fault.strerror}); name a file in a folder that is there"
        )
        raise Refused(text, field="to") from None
