"""A mail server that really speaks SMTP, for tests: takes mail, refuses it, hangs up, asks for a password."""

import base64
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


@dataclass
class MailServer:
    """What came in, and how the next recipients are answered: a code, or None to hang up."""

    port: int = 0
    got: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    answers: list[int | None] = field(default_factory=list)
    offers_auth: bool = False
    # Offers STARTTLS with this; what came before it is in `open_words`.
    starttls: ssl.SSLContext | None = None
    refuses_starttls: bool = False
    open_words: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


class _Session(socketserver.StreamRequestHandler):
    server: "_Listening"

    def handle(self) -> None:
        self._say("220 mail.example ready")
        while line := self.rfile.readline():
            word = line[:4].decode().upper().strip()
            if word == "QUIT":
                self._say("221 bye")
                return
            if not self._answer(word, line.decode().strip()):
                return

    def _answer(self, word: str, line: str) -> bool:
        box = self.server.box
        if not self._is_closed():
            box.open_words.append(word)
        if word == "EHLO":
            self._say("250-mail.example")
            if box.starttls and not self._is_closed():
                self._say("250-STARTTLS")
            self._say("250 AUTH PLAIN" if box.offers_auth else "250 8BITMIME")
        elif word == "STAR":
            if box.refuses_starttls or box.starttls is None:
                self._say("454 not now")
            else:
                self._say("220 go on")
                self._close_the_line(box.starttls)
        elif word == "AUTH":
            box.signed_in.append(base64.b64decode(line.split()[2]).decode().replace("\0", " "))
            self._say("235 come in")
        elif word == "RCPT":
            code = box.answers.pop(0) if box.answers else 250
            if code is None:
                return False
            if code == 250:
                box.recipients.append(line.partition("<")[2].partition(">")[0])
            self._say(f"{code} as told")
        elif word == "DATA":
            self._say("354 go on")
            body = b""
            while (each := self.rfile.readline()) not in (b".\r\n", b""):
                body += each.removeprefix(b".") if each.startswith(b"..") else each
            lines = body.replace(b"\r\n", b"\n")
            box.got.append(message_from_bytes(lines, policy=policy.default))
            self._say("250 taken")
        else:
            self._say("250 fine")
        return True

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def _is_closed(self) -> bool:
        return isinstance(self.connection, ssl.SSLSocket)

    def _close_the_line(self, tls: ssl.SSLContext) -> None:
        self.connection = tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = self.connection.makefile("wb", 0)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class _Listening(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, box: MailServer, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.box, self._tls = box, tls

    def get_request(self) -> tuple[Any, Any]:
        connection, peer = super().get_request()
        return (self._tls.wrap_socket(connection, True) if self._tls else connection), peer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are what is tested."""


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    """Run a mail server on a free port of this machine."""
    box = MailServer()
    with _Listening(box, tls) as listening:
        box.port = listening.server_address[1]
        threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
        yield box
        listening.shutdown()
