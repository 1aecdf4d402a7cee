"""Plugins in Python from installed packages, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

PACKAGE = '''
class Plugin:
    """Doubles numbers."""
    name = "doubler"
    def functions(self):
        return {"double": lambda value: value["value"] * 2}
class Broken:
    def __init__(self):
        raise RuntimeError("bad plugin")
'''


def installed(folder: Path) -> Path:
    """A package with entry points, as pip leaves it."""
    about = folder / "site" / "doubling-1.5.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: doubling\nVersion: 1.5\n")
    points = "[omnicore.plugins]\ndoubler = doubling:Plugin\nbroken_one = doubling:Broken\nlost = nowhere.at:All\n"
    (about / "entry_points.txt").write_text(points)
    (folder / "site" / "doubling.py").write_text(PACKAGE)
    return folder / "site"


def test_an_installed_package_is_listed_switched_and_called_from_the_command_line(omnicore_process, tmp_path):
    site = installed(tmp_path)
    (tmp_path / "plugins").mkdir()

    def run(*arguments: str, code: int = 0) -> str:
        ran = omnicore_process(*arguments, PYTHONPATH=str(site))
        assert ran.code == code, ran.err
        assert code != 0 or ran.err == ""
        return ran.out if code == 0 else ran.err

    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in run("plugins", "ls").splitlines()}
    assert rows["doubler"] == ["1.5", "enabled", "double", "native, trusted: Doubles numbers."]
    assert rows["broken-one"][1] == rows["lost"][1] == "rejected"
    assert "RuntimeError: bad plugin" in rows["broken-one"][3]
    document = json.loads(run("plugins", "inspect", "doubler", "-o", "json"))
    assert (document["trust"], document["path"]) == ("native", "doubling:Plugin")
    assert run("call", "doubler.double", '{"value": 21}').strip() == "42"
    run("plugins", "disable", "doubler")
    assert "omnicore plugins enable doubler" in run("call", "doubler.double", '{"value": 21}', code=1)
