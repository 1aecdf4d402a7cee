"""Each way in CONTRIBUTING.md to add something, walked in a copy of the repository by its own steps."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.long  # each command compiles its copy of the package first
_LARGE = ("__pycache__", "node_modules", "target", "*.npy")


class Copy:
    """A copy of what people edit, and the commands of whoever works in it."""

    def __init__(self, base: Path) -> None:
        self.root, self.home = base / "omnicore", base / "home"
        self.home.mkdir()
        for name in ("host", "sdk", "specs"):
            shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns(*_LARGE))
        states = {name: str(self.home / name) for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
        paths = os.pathsep.join((str(self.root / "host"), str(self.root)))
        self._environment = {**os.environ, **states, "HOME": str(self.home), "PYTHONPATH": paths}

    def write(self, path: str, text: str) -> None:
        """Adds a file."""
        assert not (self.root / path).exists()
        (self.root / path).write_text(text, encoding="utf-8")

    def insert(self, path: str, before: str, text: str) -> None:
        """Adds lines to a file, in front of others."""
        file = self.root / path
        whole = file.read_text(encoding="utf-8")
        assert whole.count(before) == 1, f"{before!r} stands {whole.count(before)} times in {path}"
        file.write_text(whole.replace(before, text + before), encoding="utf-8")

    def python(self, *arguments: str, folder: Path | None = None) -> str:
        """What Python prints in the copy."""
        ran = subprocess.run(
            [sys.executable, *arguments], cwd=folder or self.root, env=self._environment,
            capture_output=True, text=True, timeout=110, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


ASK = """
import asyncio, httpx
from omnicore import Host

async def main():
    async with Host(plugins="plugins", data="data", work=False) as host:
        key = {"authorization": f"Bearer {host.access.owner.made()}"}
        transport = httpx.ASGITransport(host.asgi())
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=key) as client:
            answer = await client.%s
            print(answer.status_code, answer.text)

asyncio.run(main())
"""


def test_a_field_of_a_record_reaches_the_database_and_the_api(copy: Copy) -> None:
    field = '    note: Annotated[Annotated[str, Meta(max_length=80)] | None, Meta(description="A note.")] = None\n'
    copy.insert("host/omnicore/storage/tables/tasks.py", "\n\nclass TaskOrder(", field)
    steps = sorted((copy.root / "host/omnicore/storage/migrations").glob("*.sql"))
    copy.write(
        f"host/omnicore/storage/migrations/{len(steps) + 1:04}_task_notes.sql",
        "-- Notes on tasks.\n\nALTER TABLE tasks ADD COLUMN note TEXT;\n",
    )
    assert '"A note."' in copy.python("-m", "omnicore.api")
    order = '{"function": "text.count_vowels", "note": "for Ada"}'
    said = copy.python("-c", ASK % f'post("/api/v1/tasks", json={order})', folder=copy.home)
    assert said.startswith("201 ")
    assert '"note": "for Ada"' in said or '"note":"for Ada"' in said


OPERATION = """    # Dice
    get("/api/v1/dice", "dice.roll", "Rolls a die", ok("The number of points.", "Roll"), tag="host"),
"""
ENDPOINT = '''"""Dice."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from omnicore.api.requests import Json
from omnicore.api.schema import WHOLE, Schemas, object_of


async def roll(_request: Request) -> Response:
    """Rolls a die."""
    return Json({"points": 4})


SCHEMAS: Schemas = {"Roll": object_of(points=WHOLE)}
'''


def test_an_operation_is_a_row_and_an_endpoint(copy: Copy) -> None:
    copy.insert("host/omnicore/api/operations.py", "    # Tasks\n", OPERATION)
    copy.write("host/omnicore/api/dice.py", ENDPOINT)
    assert '"/api/v1/dice"' in copy.python("-m", "omnicore.api")
    said = copy.python("-c", ASK % 'get("/api/v1/dice")', folder=copy.home)
    assert said.split(" ", 1)[0] == "200"
    assert '"points"' in said


KIND = '''"""The kind `dice`: a service that rolls dice."""

from __future__ import annotations

from omnicore.connectors.kind import Action, Kind, Opening, number, obj
from omnicore.connectors.rest import BASE, Endpoint, FixedAuth, JsonService, open_session

_ROLL = Endpoint(Action("roll", "Rolls a die.", obj(sides=number(least=2)), {}, "always"), "GET", "/roll", ("sides",))


async def _open(opening: Opening) -> JsonService:
    return JsonService(
        opening.name,
        open_session(opening, "https://dice.example"),
        FixedAuth({"authorization": f"Bearer {opening.credentials['token']}"}),
        endpoints={"roll": _ROLL},
        clock=opening.clock,
        probe="/roll",
    )


KIND = Kind(
    name="dice",
    says="A service that rolls dice",
    config=obj(**BASE),
    secrets={"token": "a token of the service"},
    required=("token",),
    actions=(_ROLL.action,),
    open=_open,
)
'''


class _Dice(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"points": 4}' if self.headers["authorization"] == "Bearer t0ken-of-mine" else b"{}"
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Dice)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_connector_is_a_file_and_a_line(copy: Copy, service: str) -> None:
    copy.write("host/omnicore/connectors/dice.py", KIND)
    copy.insert("host/omnicore/connectors/kind.py", '    "discord": (', '    "dice": (_HERE + "dice", ""),\n')
    order = {
        "name": "dice",
        "kind": "dice",
        "config": {"base_url": service},
        "secrets": {"token": "t0ken-of-mine"},
    }
    add = f'post("/api/v1/connectors", json={order!r}); print(answer.status_code, answer.text)\n'
    act = '            answer = await client.post("/api/v1/connectors/dice/actions/roll", json={"input": {"sides": 6}})'
    said = copy.python("-c", ASK % (add + act), folder=copy.home)
    assert said.startswith("201 ")
    assert said.splitlines()[-1].startswith("200 ")
    assert '"points"' in said


DOOR = """name = "dice"
purpose = "Roll dice"
resource = "sides"
grant = true

[[verbs]]
name = "roll"
doc = "Rolls a die."
request = [{ name = "sides", type = "integer", doc = "how many sides it has" }]
reply = [{ name = "points", type = "integer", doc = "what came up" }]
"""
CAPABILITY = '''"""The dice door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.capabilities.capability import Capability, DoorCall, PluginScope, Verb
from omnicore.capabilities.request import Request
from omnicore.capabilities.services import Services


def _open(plugin: PluginScope, scope: Mapping[str, Any], services: Services) -> Mapping[str, Verb]:
    def roll(call: DoorCall, request: Request) -> Mapping[str, Any]:
        sides = request.whole("sides", least=2, most=100)
        request.done()
        return {"points": sides - 2}

    return {"roll": roll}


DOOR = Capability(name="dice", purpose="Roll dice", verbs=("roll",), resource="sides", open=_open)
'''
GUEST = """import { dice } from "omnicore";

export function roll() {
  return dice.roll(6);
}
"""


def test_a_capability_reaches_a_guest_through_its_kit(copy: Copy) -> None:
    copy.write("specs/doors/dice.toml", DOOR)
    copy.insert("sdk/generate/contract.py", '"vectors", "connectors")', '"dice", ')
    copy.insert("specs/abi.md", "<!-- made: log -->", "<!-- made: dice -->\n<!-- end -->\n\n")
    copy.write("specs/conformance/dice.json", "[]\n")
    copy.write("host/omnicore/capabilities/dice.py", CAPABILITY)
    copy.insert("host/omnicore/capabilities/doors.py", "    log.DOOR,\n", "    dice.DOOR,\n")
    copy.insert(
        "host/omnicore/capabilities/doors.py",
        "from omnicore.capabilities import clock",
        "from omnicore.capabilities import dice\n",
    )
    copy.python("-m", "sdk.generate")
    copy.python("-m", "omnicore", "new", "roller", "-t", "plugin-js", folder=copy.home)
    roller = copy.home / "roller"
    (roller / "plugin.js").write_text(GUEST, encoding="utf-8")
    with (roller / "plugin.toml").open("a", encoding="utf-8") as manifest:
        manifest.write('\n[[capabilities]]\nname = "dice"\nreason = "it rolls"\n')
    for arguments in (("build", "."), ("plugins", "grant", "roller", "dice")):
        copy.python("-m", "omnicore", *arguments, folder=roller)
    assert copy.python("-m", "omnicore", "call", "roller.roll", folder=roller).strip() == "4"
