"""Logs: events with keys, the correlation id on every line, no secret on any."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from infra.log import HIDDEN, configure, masked, redact

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1LTcifQ.c2lnbmF0dXJl"


class Lines:
    def __init__(self) -> None:
        self.stream = io.StringIO()

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    before, configured = (root.handlers, root.level), structlog.get_config()
    found = Lines()
    configure("info", "json", found.stream)
    yield found
    root.handlers, root.level = before
    structlog.configure(**configured)
    structlog.contextvars.clear_contextvars()


def test_an_event_is_one_json_line_with_its_keys(lines):
    structlog.get_logger("pricer").info("book_read", lines=312, book="2026-q1")
    (line,) = lines.read()
    time = line.pop("timestamp")
    assert time.endswith("Z")
    assert line == {
        "event": "book_read",
        "level": "info",
        "logger": "pricer",
        "lines": 312,
        "book": "2026-q1",
    }


def test_the_correlation_id_of_the_context_is_on_the_line(lines):
    with structlog.contextvars.bound_contextvars(correlation_id="c-1"):
        structlog.get_logger().info("heard")
    assert lines.read()[0]["correlation_id"] == "c-1"


def test_a_librarys_line_comes_through_the_same_pipe(lines):
    logging.getLogger("kafka.conn").warning("connect to %s failed: password=hunter2", "broker-1")
    (line,) = lines.read()
    assert (line["event"], line["logger"], line["message"]) == (
        "library",
        "kafka.conn",
        f"connect to broker-1 failed: password={HIDDEN}",
    )


def test_an_exception_is_shown_without_its_secrets(lines):
    try:
        raise RuntimeError(f"refused {TOKEN}")
    except RuntimeError:
        structlog.get_logger().exception("failed")
    (line,) = lines.read()
    assert f"refused {HIDDEN}" in line["exception"]
    assert TOKEN not in json.dumps(line)


def test_a_console_gets_the_same_without_colours_or_locals():
    stream, root = io.StringIO(), logging.getLogger()
    before, configured = (root.handlers, root.level), structlog.get_config()
    configure("info", "console", stream)
    try:
        private = "local-" + "value"
        raise RuntimeError(f"refused {TOKEN}", len(private))
    except RuntimeError:
        structlog.get_logger("pricer").exception("failed", link_key="k")
    finally:
        root.handlers, root.level = before
        structlog.configure(**configured)
    shown = stream.getvalue()
    assert f"link_key={HIDDEN}" in shown
    assert "RuntimeError" in shown
    assert [each for each in (TOKEN, "local-value", "\x1b[") if each in shown] == []


def test_debug_lines_are_silent_at_info(lines):
    structlog.get_logger().debug("probe")
    assert lines.read() == []


@pytest.mark.parametrize(
    "key",
    [
        "authorization",
        "Cookie",
        "link_key",
        "webhook_secret",
        "db_password",
        "admin_dsn",
        "service_key",
    ],
)
def test_a_key_with_a_secret_name_is_hidden(key):
    assert redact(None, "info", {"event": "e", key: "plain"}) == {"event": "e", key: HIDDEN}


def test_nested_secrets_are_hidden():
    event = {"event": "e", "settings": {"peers": ["a"], "endpoint": {"secret": "x", "url": "u"}}}
    assert redact(None, "info", event) == {
        "event": "e",
        "settings": {"peers": ["a"], "endpoint": {"secret": HIDDEN, "url": "u"}},
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("key whsec_AQEBAQEB ok", f"key {HIDDEN} ok"),
        ("Bearer qwk_pricer_0123abcd", f"Bearer {HIDDEN}"),
        (f"token {TOKEN}.", f"token {HIDDEN}."),
        ("postgresql://qw:hunter2@db/qw", f"postgresql://{HIDDEN}@db/qw"),
        ("-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----", HIDDEN),
        ("http://127.0.0.1:8003/pricer", "http://127.0.0.1:8003/pricer"),
    ],
)
def test_a_secret_is_known_by_its_look(text, expected):
    assert masked(text) == expected


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz ,.:/-", max_size=80))
def test_plain_words_stay_as_they_are(text):
    assert masked(text) == text
