"""Mail as one more way for a delivery to go out: composed when it is sent, over SMTP.

A service hands in what composes a letter of a delivery; addresses and links stand in no table and
in no log. TLS is verified; a password never goes over an open line.
"""

import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from infra.outbox import DueDelivery
from infra.settings import Settings

# The target of deliveries that are mails; all of them share the threads of one target.
MAIL = "mailto:"
TIMEOUT_S = 10.0
PORTS = {"smtp": 25, "smtps": 465}
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*")


@dataclass(frozen=True, slots=True)
class Letter:
    """What one person reads: to whom, about what, as plain text and as HTML."""

    to: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class MailFault:
    """Why a mail did not go out; a `final` answer of the mail server is the same next time."""

    error: str
    final: bool = False


# Returns the letter of a delivery; None, if there is nothing to say any more.
Compose = Callable[[DueDelivery], Letter | None]


class Mailer:
    """Sends letters through one mail server."""

    def __init__(self, url: str, sender: str, compose: Compose) -> None:
        """Send from an address; `url` is `smtp://host:port` or `smtps://user:password@host`."""
        self._server = urlsplit(url)
        self._sender = sender
        self._compose = compose

    def send(self, due: DueDelivery, message_id: str) -> MailFault | None:
        """Send a delivery's letter once; None if the mail server took it, or nothing is to say.

        Whatever composing raises comes out: it is an error of ours.
        """
        letter = self._compose(due)
        if letter is None:
            return None
        try:
            mail = written(letter, self._sender, f"<{message_id}@{self._domain}>")
        except ValueError:
            return MailFault("the address of its reader is not one", final=True)
        mail["Date"] = format_datetime(due.created_at)
        try:
            with self._connected() as server:
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as fault:
            codes = [code for code, _ in fault.recipients.values()]
            return _answered(max(codes, default=0))
        except smtplib.SMTPResponseException as fault:
            return _answered(fault.smtp_code)
        except (smtplib.SMTPException, OSError) as fault:
            # The kind only: the message may repeat an address or a password.
            return MailFault(type(fault).__name__)
        return None

    @property
    def _domain(self) -> str:
        return self._sender.rpartition("@")[2]

    def _connected(self) -> smtplib.SMTP:
        """Return a connection, encrypted if the server can, signed in if we have a name."""
        server, tls = self._server, ssl.create_default_context()
        host, port = server.hostname or "", server.port or PORTS[server.scheme]
        if server.scheme == "smtps":
            found: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, self._domain, timeout=TIMEOUT_S, context=tls
            )
        else:
            found = smtplib.SMTP(host, port, self._domain, timeout=TIMEOUT_S)
        try:
            found.ehlo()
            encrypted = server.scheme == "smtps"
            if not encrypted and found.has_extn("starttls"):
                found.starttls(context=tls)
                found.ehlo()
                encrypted = True
            if server.username and not encrypted:
                raise smtplib.SMTPNotSupportedError("no password goes over an open line")
            if server.username:
                found.login(unquote(server.username), unquote(server.password or ""))
        except BaseException:
            found.close()
            raise
        return found


def written(letter: Letter, sender: str, message_id: str) -> EmailMessage:
    """Return the mail as it goes out.

    Raises: ValueError, if the reader's address is none; the subject can not add a header.
    """
    if not _ADDRESS.fullmatch(letter.to):
        raise ValueError("not an address")
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = letter.to
    mail["Subject"] = " ".join(
        "".join(c if c.isprintable() else " " for c in letter.subject).split()
    )
    mail["Message-ID"] = message_id
    # Nobody's holiday note shall answer it.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    return mail


def mailer_of(settings: Settings, compose: Compose | None) -> Mailer | None:
    """Return who sends a service's mail; None, if it has none to send or no mail server."""
    if settings.smtp_url is None or settings.mail_from is None or compose is None:
        return None
    return Mailer(settings.smtp_url.get_secret_value(), settings.mail_from, compose)


def _answered(code: int) -> MailFault:
    return MailFault(f"the mail server answers {code}", final=code >= 500)
