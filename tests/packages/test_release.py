"""The plugins of this repository as a folder that is served as it is, and one of them installed as README.md says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from host_build.release_index import packages, release

from omnicore.clock import SystemClock
from omnicore.packages.gallery import SVG, icon_media
from omnicore.packages.index import IndexFolder, IndexKeys
from omnicore.packages.keys import SecretKey

ROOT = Path(__file__).parents[2]
_SERVES = "python -m http.server {port} --bind 127.0.0.1 --directory dist/plugins &"


@pytest.mark.timeout(300)
def test_a_plugin_of_ours_is_found_and_installed_from_the_folder(tmp_path: Path) -> None:
    key, found = SecretKey.new(), packages()
    assert len(found) >= 9
    assert {"jq", "text", "counter"} <= {one.name for one in found}
    assert [one.name for one in found if icon_media(one.files.get("icon.svg", b"")) != SVG] == []
    site = tmp_path / "dist" / "plugins"
    release(site, key, [one for one in found if one.name in ("text", "counter")])
    entries = IndexFolder(site, IndexKeys(key), clock=SystemClock()).entries()
    assert [(one.name, one.publishers[0].name) for one in entries.values()] == [
        ("counter", "omnicore"),
        ("text", "omnicore"),
    ]
    assert all(one.versions[0].licence.startswith("MIT") for one in entries.values())
    told = _told(tmp_path)
    assert "text\t1" in told
    assert "signed by omnicore" in told
    assert json.loads(told.splitlines()[-1]) == {"count": 3}


def _told(folder: Path) -> str:
    """Whatever the commands of README.md print in a folder, by which nobody has to be asked."""
    found = re.search(r"<!-- from an index -->\n```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert found is not None
    lines, port = found[1], 20_000 + os.getpid() % 10_000  # below the ports that systems give out by themselves
    served, there = _SERVES.format(port=8900), f"until curl -sf http://127.0.0.1:{port}/omnicore.pub >&2; do :; done"
    assert served in lines
    waiting = f"trap 'kill %1' EXIT\n{_SERVES.format(port=port)}\n{there}"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OMNICORE_")}
    places = {"XDG_STATE_HOME": f"{folder}/state", "XDG_CACHE_HOME": f"{folder}/cache"}
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines.replace(served, waiting).replace(":8900", f":{port}")],
        cwd=folder,
        env={**environ, **places, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout
