"""The plugins of this repository as a folder that is served as it is, and one of them installed from it."""

from __future__ import annotations

import json
from pathlib import Path

from host_build.release_index import packages, release
from tests.cli.conftest import Run, run_here

from omnicore.packages.keys import SecretKey

__all__ = ["run_here"]


def test_a_plugin_of_ours_is_found_and_installed_from_the_folder(run_here: Run, tmp_path: Path) -> None:
    key, found = SecretKey.new(), packages()
    assert len(found) >= 9
    assert {"jq", "text", "counter"} <= {one.name for one in found}
    few = [one for one in found if one.name in ("text", "counter")]
    digest = release(tmp_path / "site", key, few)
    environ = {"OMNICORE_TRUST__INDEXES": json.dumps([f"omnicore={tmp_path}/site#sha256={digest}"])}
    listed = json.loads(run_here("search", "-o", "json", **environ).out)
    assert [(one["name"], one["publishers"][0]["name"]) for one in listed] == [
        ("counter", "omnicore"),
        ("text", "omnicore"),
    ]
    assert all(one["versions"][0]["licence"].startswith("MIT") for one in listed)
    assert run_here("keys", "trust", "site/omnicore.pub", "--name", "omnicore").code == 0
    done = run_here("plugins", "install", "text", "-y", "-o", "json", OMNICORE_TRUST__UNSIGNED="refuse", **environ)
    assert done.code == 0, done.err
    assert json.loads(done.out)["package"]["publisher"]["names"] == ["omnicore"]
    called = run_here("call", "text.count_vowels", "Hello, World", **environ)
    assert called.code == 0, called.err
