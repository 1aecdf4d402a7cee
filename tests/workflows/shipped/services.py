"""Services of the world outside on a port of this machine, each under its own path, answering as a test says."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Asked", "World", "world_of"]


@dataclass(frozen=True)
class Asked:
    """One request; `body` as JSON where it is that."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


Answer = tuple[int, Any] | Callable[[Asked], tuple[int, Any]]


@dataclass
class World:
    """What was asked, and what is answered: the answers to a path in turn, the last one from then on."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    _answers: list[tuple[str, re.Pattern[str], list[Answer]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Answers `path`, a pattern, in this way; what was said of it before counts no more."""
        self._answers.insert(0, (method, re.compile(path), list(answers)))

    def forget(self) -> None:
        self.asked.clear()
        self._answers.clear()

    def of(self, path: str, method: str = "POST") -> list[Asked]:
        """What was asked of a path."""
        return [one for one in self.asked if one.method == method and re.fullmatch(path, one.path)]

    def answer(self, asked: Asked) -> tuple[int, Any]:
        with self._lock:
            self.asked.append(asked)
            for method, path, answers in self._answers:
                if method == asked.method and path.fullmatch(asked.path):
                    chosen = answers.pop(0) if len(answers) > 1 else answers[0]
                    break
            else:
                return 404, {"message": f"nothing is at {asked.path}"}
        return chosen(asked) if callable(chosen) else chosen


@contextmanager
def world_of() -> Iterator[World]:
    """A world until the block ends."""
    world = World()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            data = self.rfile.read(int(self.headers.get("content-length") or 0))
            try:
                body = json.loads(data) if data else None
            except ValueError:
                body = data.decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = world.answer(Asked(self.command, self.path, headers, body))
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            with suppress(OSError):  # who asked has gone
                self.wfile.write(text)

        do_GET = do_POST = do_DELETE = do_PATCH = _serve

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    world.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield world
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
