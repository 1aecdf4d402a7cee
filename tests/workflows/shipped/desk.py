"""A served host with the shipped plugins, used as a newcomer does: over its REST API."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tests.api.hosting import Served

from omnicore.assembly import Host

__all__ = ["EXAMPLES", "Desk", "hasty"]

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "specs" / "examples"
PLUGINS = ("counter", "redact", "template", "text", "thumbnail")
SECRET = "a-secret-of-tests"
_OVER = ("completed", "faulted", "cancelled")
_DELAY = re.compile(r"(delay: )PT\d+S")
_JITTER = re.compile(r", jitter: \{[^}]*\}")
T = TypeVar("T")


def hasty(text: str) -> str:
    """A text whose pauses between retries take milliseconds, for tests."""
    return _JITTER.sub("", _DELAY.sub(r"\1{milliseconds: 5}", text))


class Desk(Served):
    """A host and what people do with it."""

    def __init__(self, folder: Path, plugins: tuple[str, ...] = PLUGINS, **changes: Any) -> None:
        super().__init__(folder, {}, **changes)
        self._applied: set[str] = set()
        for name in plugins:
            shutil.copy(ROOT / "plugins" / name / "dist" / f"{name}.wasm", self.settings.plugins)

    def do(self, work: Callable[[Host], T]) -> T:
        """Blocking work with the host, on a thread of its loop."""
        return asyncio.run_coroutine_threadsafe(asyncio.to_thread(work, self.host), self._loop).result(60)

    def need(self, *names: str) -> None:
        """Installs plugins that take seconds to compile, where they are wanted."""
        for name in names:
            data = (ROOT / "plugins" / name / "dist" / f"{name}.wasm").read_bytes()
            self.do(lambda host, name=name, data=data: host.plugins.install(f"{name}.wasm", data))
            if self.do(lambda host, name=name: host.plugins.get(name).state) == "needs-grant":
                self.do(lambda host, name=name: host.plugins.grant(name, who="test"))

    def connect(self, name: str, kind: str, config: dict[str, Any], **secrets: str) -> None:
        """A connector of that name, without rates and retries of its own; the one before goes."""
        limits = {"rate": 1e6, "plugin_rate": 1e6, "retries": 0}

        def again(host: Host) -> None:
            register = host.connectors.register
            if name in {one.name for one in register.table.all()}:
                register.remove(name)
            register.add(name, kind, config, secrets, limits)

        self.do(again)

    def hook(self, name: str, rule: str) -> str:
        """The path of a webhook."""
        return str(self.do(lambda host: host.connectors.hooks.add(name, rule, SECRET)).to_json()["path"])

    def apply(self, name: str, *changes: tuple[str, str]) -> None:
        """Applies an example with its retries hurried, and with what a test puts in other words."""
        text = hasty((EXAMPLES / f"{name}.yaml").read_text())
        for before, after in changes:
            assert before in text, before
            text = text.replace(before, after)
        self.drop(name)
        answer = self.client.post("/api/v1/workflows", json={"text": text})
        assert answer.status_code == 201, answer.text
        self._applied.add(name)

    def rest(self) -> None:
        """Removes what was applied: some of it goes on by the clock, also while other tests run."""
        while self._applied:
            self.drop(self._applied.pop())

    def drop(self, name: str) -> None:
        """Removes it, so that nothing begins it any more."""
        assert self.client.delete(f"/api/v1/workflows/{name}").status_code in (204, 404)

    def start(self, name: str, given: Any = None, **more: Any) -> str:
        answer = self.client.post(f"/api/v1/workflows/{name}/runs", json={"input": given, **more})
        assert answer.status_code in (200, 202), answer.text
        return str(answer.json()["id"])

    def view(self, run: str) -> dict[str, Any]:
        answer = self.client.get(f"/api/v1/runs/{run}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ended(self, run: str) -> dict[str, Any]:
        """The run, once it is over."""
        return self.until(lambda: view if (view := self.view(run))["status"] in _OVER else None)

    def runs(self, name: str) -> list[dict[str, Any]]:
        """Its runs, the newest first."""
        answer = self.client.get("/api/v1/runs", params={"workflow": name})
        return list(answer.json()["items"])

    def steps(self, run: str) -> list[str]:
        """What its journal says: `name status` of each row."""
        answer = self.client.get(f"/api/v1/runs/{run}/steps", params={"limit": 200})
        return [f"{one['name']} {one['status']}" for one in answer.json()["items"]]

    def sound(self, run: str) -> bool:
        """Whether the audit trail of the run is whole."""
        return bool(self.client.get(f"/api/v1/runs/{run}/audit").json()["ok"])

    def deliver(self, path: str, body: Any, headers: dict[str, str]) -> Any:
        """A delivery over the wire."""
        data = json.dumps(body).encode()
        return self.client.post(path, content=data, headers={"content-type": "application/json", **headers})

    def until(self, look: Callable[[], T | None]) -> T:
        """What a look gives, once it is something."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if found := look():
                return found
            time.sleep(0.02)
        raise AssertionError(f"it did not come; runs: {self.client.get('/api/v1/runs').json()['items'][:3]}")


def signed_by_github(body: Any, event: str, delivery: str, secret: str = SECRET) -> dict[str, str]:
    """Headers as GitHub sends them."""
    mac = hmac.new(secret.encode(), json.dumps(body).encode(), hashlib.sha256).hexdigest()
    return {"x-hub-signature-256": f"sha256={mac}", "x-github-event": event, "x-github-delivery": delivery}


def signed(body: Any, *, at: float, secret: str = SECRET) -> dict[str, str]:
    """Headers of the rule `hmac`."""
    stamp = str(int(at))
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + json.dumps(body).encode(), hashlib.sha256).hexdigest()
    return {"x-timestamp": stamp, "x-signature": mac}
