"""The image: every step of Dockerfile carried out in a Debian, and the result run as strictly as compose runs it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from tests.deploy.conftest import ROOT, free_port, lacking
from tests.deploy.dockerfile import Image, bases_missing, built
from tests.fleet.cluster import PLUGINS, until

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]
_TOKEN = "a-token-of-the-image"


@pytest.fixture(scope="session")
def images() -> Iterator[dict[str, Image]]:
    """The stages of Dockerfile, each carried out."""
    reason = bases_missing()
    if reason is not None:
        lacking(reason, in_ci=os.geteuid() == 0)
    # In memory where there is some: on a busy disk the 100,000 files take longer to delete than the image to build.
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() and shutil.disk_usage(memory).free > 4 * 2**30 else None
    with tempfile.TemporaryDirectory(prefix="omnicore-image-", dir=place) as folder:
        yield built(ROOT, Path(folder))


@dataclass
class Running:
    """A container's stand-in that serves."""

    image: Image
    process: subprocess.Popen[bytes]
    http: httpx.Client
    environ: dict[str, str]
    log: Path

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in another one of the same image, as the image's user."""
        whole = self.image.running(list(command), binds={}, environ=self.environ)
        return subprocess.run(whole, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def started(image: Image, folder: Path) -> Iterator[Running]:
    """The image's own command, with a plugin and a token."""
    folder.chmod(0o755)
    (mark := image.root / ".dockerenv").touch()  # as Docker makes it
    (plugins := folder / "plugins").mkdir(0o755)
    shutil.copy(PLUGINS / "text" / "dist" / "text.wasm", plugins)
    (secrets := folder / "secrets").mkdir(0o755)
    (secrets / "omnicore_token").write_text(_TOKEN)
    for path in (mark, plugins, secrets, *plugins.iterdir(), *secrets.iterdir()):
        path.chmod(0o755)
    port = free_port()
    environ = {"OMNICORE_PORT": str(port), "OMNICORE_HOST": "127.0.0.1"}
    command = image.running(image.command, binds={plugins: "/plugins", secrets: "/run/secrets"}, environ=environ)
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
    headers = {"authorization": f"Bearer {_TOKEN}"}
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers) as http:
            one = Running(image, process, http, environ, log)
            until(lambda: process.poll() is not None or _answers(http), "the image answers", within_s=60)
            assert process.poll() is None, log.read_text()
            yield one
    finally:
        if process.poll() is None:
            for inner in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                os.kill(int(inner), signal.SIGKILL)  # --kill-child forgets one that has become another user
            process.kill()
            process.wait(60)


@pytest.fixture(scope="session")
def running(images: dict[str, Image], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The image, serving."""
    with started(images["run"], tmp_path_factory.mktemp("running")) as one:
        yield one


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_it_serves_plugins_and_the_console_with_a_read_only_root_and_no_capability(running: Running) -> None:
    answer = running.http.post("/api/v1/plugins/text/functions/count_vowels", content="hello world")
    assert (answer.status_code, answer.text) == (200, '{"count":3}')
    console = running.http.get("/console/", headers={"accept": "text/html"})
    assert console.status_code == 200
    assert "<div id=" in console.text


def test_its_health_check_tells_a_host_that_answers_from_one_that_does_not(running: Running) -> None:
    assert running.inside(*running.image.check).returncode == 0
    assert running.inside("env", f"OMNICORE_PORT={free_port()}", *running.image.check).returncode != 0


def test_it_runs_as_a_user_that_can_change_nothing_of_the_image(running: Running) -> None:
    assert running.image.user == "10001:10001"
    assert running.inside("id", "-u").stdout.strip() == "10001"
    assert running.inside("touch", "/opt/omnicore/x").returncode != 0
    root = running.image.root
    own = [Path(place, name) for place, folders, files in os.walk(root) for name in [*folders, *files]]
    of_user = [path for path in own if not path.is_symlink() and path.lstat().st_uid == 10001]
    assert of_user == [root / "var/lib/omnicore"] or all(root / "var/lib/omnicore" in (p, *p.parents) for p in of_user)


def test_it_has_no_compiler_no_node_and_no_sources(images: dict[str, Image]) -> None:
    root = images["run"].root
    tools = ("cc", "gcc", "c++", "clang", "ld", "make", "node", "npm", "cargo", "go")
    places = [root / folder for folder in ("usr/bin", "usr/local/bin", "opt/omnicore/bin")]
    assert [name for name in tools for place in places if (place / name).exists()] == []
    assert not (root / "src").exists()
    assert not (root / "wheels").exists()
    size = sum(path.lstat().st_size for path in (root / "opt/omnicore").rglob("*") if path.is_file())
    assert size < 400 * 2**20, f"{size / 2**20:.0f} MiB"


def test_the_extras_of_the_image_are_there(running: Running) -> None:
    found = running.inside("/opt/omnicore/bin/python", "-c", "import nats, psycopg, redis, opentelemetry.sdk")
    assert found.returncode == 0, found.stderr


def test_a_signal_ends_it_with_success(images: dict[str, Image], tmp_path: Path) -> None:
    with started(images["run"], tmp_path) as one:
        (child,) = Path(f"/proc/{one.process.pid}/task/{one.process.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGTERM)
        assert one.process.wait(30) == 0, one.log.read_text()[-2000:]
