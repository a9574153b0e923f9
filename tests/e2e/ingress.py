"""A company's ingress in small: one origin in front of the services, paths by service."""

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

NOT_HANDED_ON = {"host", "connection", "content-length", "transfer-encoding", "date", "server"}


class Ingress:
    """Hands requests on by the first part of their path; 502 where nobody answers."""

    def __init__(self, port: int, routes: Mapping[str, str]) -> None:
        """Serve on the port from now on; `routes` maps a prefix (`/crm`) to an origin."""
        self.routes = routes
        self.http = httpx.Client(timeout=30, trust_env=False)
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
        self.http.close()


def _handler(ingress: Ingress) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def hand_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            origin = ingress.routes.get("/" + self.path.split("/", 2)[1].split("?")[0])
            headers = {k: v for k, v in self.headers.items() if k.lower() not in NOT_HANDED_ON}
            if origin is None:
                return self.reply(404, {}, b"")
            try:
                got = ingress.http.request(
                    self.command, origin + self.path, content=body, headers=headers
                )
            except httpx.HTTPError as fault:
                return self.reply(502, {}, type(fault).__name__.encode())
            kept = {k: v for k, v in got.headers.items() if k.lower() not in NOT_HANDED_ON}
            return self.reply(got.status_code, kept, got.content)

        do_GET = do_POST = do_PUT = hand_on  # noqa: N815 - the names that the library calls

        def reply(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            del args

    return Handler
