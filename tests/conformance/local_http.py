"""The server that `http-` cases speak to: it tells what it was asked, and redirects."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["serve"]


class _Echo(BaseHTTPRequestHandler):
    """`/redirect?URL` redirects, `/big=N` gives N times `z`, `...status=404` answers with that status.

    Other bodies are JSON: method, path, body and the header `x-test` of the request.
    """

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.startswith("/redirect?"):
            self.send_response(302)
            self.send_header("Location", self.path.partition("?")[2])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        answer = self._body(body.decode("latin1"))
        status = self.path.partition("status=")[2]
        self.send_response(int(status) if status else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def _body(self, received: str) -> bytes:
        if self.path.startswith("/big="):
            return b"z" * int(self.path.removeprefix("/big="))
        seen = {"method": self.command, "path": self.path, "body": received}
        return json.dumps(seen | {"x": self.headers.get("x-test")}).encode()

    def __getattr__(self, name: str) -> Any:
        # The base class looks for one `do_METHOD` for each method; cases invent methods.
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: standard output carries the result."""


@contextmanager
def serve() -> Iterator[int]:
    """A server on loopback while the block runs; gives its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
