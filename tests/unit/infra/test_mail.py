"""Mail over a server that really speaks SMTP: tried again with patience, never open, never injected."""

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.deliveries import BACKOFF_MAX_S, Sender, webhook_id
from infra.mail import MAIL, Letter, Mailer, written
from infra.outbox import DueDelivery, MemoryOutbox
from infra.work import Delivery
from tests.unit.infra.smtp_server import MailServer, mail_server

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DEAL = UUID("00000000-0000-4000-8000-000000000001")
SENDER = "quotes@sales.example"
LETTER = Letter("anna@example.com", "Approval of Q-1", "Plain: 5 €\n.\nend", "<p>Rich: 5 €</p>")


class Post:
    """A sender of mail with its outbox and a clock to turn."""

    def __init__(self, url: str, compose: Callable[[DueDelivery], Letter | None]) -> None:
        self.now = NOW
        self.outbox = MemoryOutbox()
        self.sender = Sender(self.outbox, {}, httpx.Client(), lambda: self.now, lambda most: most)
        self.sender.mailer = Mailer(url, SENDER, compose)
        self.outbox.put(Delivery("step/1", MAIL, "mail", {"to": "anna"}, DEAL), NOW)

    def tries(self, times: int = 1) -> None:
        for _ in range(times):
            self.sender.run_once()
            self.now += timedelta(seconds=BACKOFF_MAX_S)

    def waiting(self) -> list[DueDelivery]:
        return self.outbox.due(self.now + timedelta(days=1), 9, [], [])


@pytest.fixture(autouse=True)
def lines() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as found:
        yield found


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def test_a_mail_arrives_readable_as_plain_text_and_as_html(server):
    post = Post(server.url, lambda _: LETTER)
    (due,) = post.waiting()
    post.tries()
    (mail,) = server.got
    assert server.recipients == ["anna@example.com"]
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        SENDER, "anna@example.com", "Approval of Q-1",
    )  # fmt: skip
    assert mail.get_content_type() == "multipart/alternative"
    assert mail.get_body(("plain",)).get_content() == "Plain: 5 €\n.\nend\n"
    assert mail.get_body(("html",)).get_content() == "<p>Rich: 5 €</p>\n"
    assert mail["Message-ID"] == f"<{webhook_id(due).replace('/', '.')}@sales.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == NOW
    assert post.waiting() == []


@pytest.mark.parametrize("answer", [450, 451, None])
def test_what_may_mend_itself_is_tried_again_under_the_same_message_id(server, answer):
    server.answers = [answer] * 5
    ids = []

    def compose(due: DueDelivery) -> Letter:
        ids.append(webhook_id(due))
        return LETTER

    post = Post(server.url, compose)
    post.tries(5)
    assert (server.got, post.outbox.stuck()) == ([], {})
    post.tries()
    assert (len(server.got), len(ids), len(set(ids))) == (1, 6, 1)


def test_a_reader_who_is_refused_for_good_is_stuck_after_three_attempts(server):
    server.answers = [550] * 9
    post = Post(server.url, lambda _: LETTER)
    post.tries(6)
    assert post.outbox.stuck() == {"step/1": "the mail server answers 550"}
    assert len(server.answers) == 6


def test_without_a_mail_server_a_mail_is_tried_again(server, lines):
    post = Post("smtp://anna:pa55word@127.0.0.1:1", lambda _: LETTER)
    post.tries(4)
    assert (len(post.waiting()), post.outbox.stuck()) == (1, {})
    assert "pa55word" not in str(lines)
    assert "anna@example.com" not in str(lines)


def test_a_process_without_the_setting_says_so(server):
    post = Post(server.url, lambda _: LETTER)
    post.sender.mailer = None
    post.tries()
    assert post.outbox.stuck() == {"step/1": "QW_SMTP_URL is not set"}


def test_a_letter_with_nothing_to_say_any_more_is_not_sent_and_gone(server):
    post = Post(server.url, lambda _: None)
    post.tries()
    assert (server.got, post.waiting(), post.outbox.stuck()) == ([], [], {})


def test_an_error_in_composing_is_tried_again(server):
    def compose(due: DueDelivery) -> Letter:
        raise ZeroDivisionError(due)

    post = Post(server.url, compose)
    post.tries(3)
    assert (len(post.waiting()), post.outbox.stuck()) == (1, {})


def test_a_password_never_goes_over_an_open_line(server):
    server.offers_auth = True
    post = Post(server.url.replace("//", "//anna:pa55word@"), lambda _: LETTER)
    post.tries()
    assert (server.signed_in, server.got, len(post.waiting())) == ([], [], 1)


@pytest.mark.parametrize("evil", ["\r\n", "\n", "\r", "\x00", "\u2028", "\x0b"])
def test_a_subject_can_not_add_a_header(server, evil):
    letter = Letter("anna@example.com", f"Hello{evil}Bcc: eve@evil.example", "text", "<p>x</p>")
    post = Post(server.url, lambda _: letter)
    post.tries()
    (mail,) = server.got
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Hello Bcc: eve@evil.example"
    assert server.recipients == ["anna@example.com"]


@pytest.mark.parametrize(
    "to",
    [
        "anna@example.com, eve@evil.example",
        "anna@example.com\r\nBcc: eve@evil.example",
        "anna@example.com\n",
        "anna <anna@example.com>",
        "anna",
        "",
    ],
)
def test_what_is_no_single_address_gets_no_mail(server, to):
    post = Post(server.url, lambda _: Letter(to, "s", "t", "h"))
    post.tries(4)
    assert (server.got, server.recipients) == ([], [])
    assert post.outbox.stuck() == {"step/1": "the address of its reader is not one"}


def test_a_long_subject_and_hostile_text_stay_one_mail():
    letter = Letter("a@b.example", "x " * 500, "From: evil\n.\r\nBcc: eve", "<p>\r\n.\r\n</p>")
    mail = written(letter, SENDER, "<1@sales.example>")
    assert sorted(mail.keys()) == [
        "Auto-Submitted", "Content-Type", "From", "MIME-Version", "Message-ID", "Subject", "To",
    ]  # fmt: skip


# ---- TLS


@pytest.fixture
def trusted(tmp_path: Any) -> tuple[ssl.SSLContext, str]:
    """A certificate of 127.0.0.1 that only who is told trusts: the server's side, and its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    address = ip_address("127.0.0.1")
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(address)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(pem) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, str(file)


def test_a_server_whose_certificate_nobody_vouches_for_gets_neither_mail_nor_password(trusted):
    with mail_server(trusted[0]) as server:
        post = Post(f"smtps://anna:pa55word@127.0.0.1:{server.port}", lambda _: LETTER)
        post.tries()
        assert (server.got, server.signed_in, len(post.waiting())) == ([], [], 1)


def test_a_trusted_server_gets_mail_and_password_over_tls(trusted, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", trusted[1])
    with mail_server(trusted[0]) as server:
        server.offers_auth = True
        post = Post(f"smtps://anna:pa%40ss@127.0.0.1:{server.port}", lambda _: LETTER)
        post.tries()
        assert (len(server.got), server.signed_in) == (1, [" anna pa@ss"])


def test_a_line_is_encrypted_as_soon_as_the_server_offers_it(trusted, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", trusted[1])
    with mail_server() as server:
        server.starttls, server.offers_auth = trusted[0], True
        post = Post(server.url.replace("//", "//anna:pa55@"), lambda _: LETTER)
        post.tries()
        assert (len(server.got), server.signed_in) == (1, [" anna pa55"])
        assert server.open_words == ["EHLO", "STAR"], "nothing else was said before"
        assert post.waiting() == []


def test_a_server_that_nobody_vouches_for_gets_nothing_after_starttls(trusted):
    with mail_server() as server:
        server.starttls, server.offers_auth = trusted[0], True
        post = Post(server.url.replace("//", "//anna:pa55@"), lambda _: LETTER)
        post.tries()
        assert (server.got, server.recipients, server.signed_in) == ([], [], [])
        assert (server.open_words, len(post.waiting())) == (["EHLO", "STAR"], 1)


def test_who_takes_back_the_offer_to_encrypt_gets_no_mail_in_the_open(trusted):
    with mail_server() as server:
        server.starttls, server.refuses_starttls = trusted[0], True
        post = Post(server.url, lambda _: LETTER)
        post.tries(5)
        assert (server.got, server.recipients) == ([], [])
        assert (len(post.waiting()), post.outbox.stuck()) == (1, {}), "tried again, never stuck"
