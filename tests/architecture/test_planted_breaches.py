"""Every rule sees a breach that is planted, and says in which file and line."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from tests.architecture.rules import RULES
from tests.architecture.sizes import FILE_AIM, FILE_LIMIT, FUNCTION_LIMIT, check_sizes, report
from tests.architecture.source import read


class Breach(NamedTuple):
    """A file that breaks a rule: what it holds, and the line and words of the finding."""

    rule: str
    path: str
    text: str
    line: int
    says: str


DOC = '"""A file."""\n'
BREACHES = [
    Breach("imports go downstairs only", "storage/x.py", DOC + "import omnicore.plugins.host\n", 2, "upstairs"),
    Breach("imports go downstairs only", "storage/x.py", DOC + "from omnicore.api import app\n", 2, "floor 10"),
    Breach("imports go downstairs only", "storage/x.py", DOC + "from omnicore import cli\n", 2, "omnicore.cli"),
    Breach("imports go downstairs only", "storage/x.py", DOC + "from ..plugins import host\n", 2, "upstairs"),
    Breach("imports go downstairs only", "storage/x.py", DOC + "from omnicore import Host\n", 2, "in no room"),
    Breach("imports go downstairs only", "assembly.py", DOC + "import omnicore.cli.main\n", 2, "upstairs"),
    Breach("imports go downstairs only", "events/x.py", DOC + "\nimport omnicore.storage\n", 3, "across its floor"),
    Breach(
        "imports go downstairs only",
        "events/x.py",
        DOC + "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import omnicore.cli\n",
        5,
        "upstairs",
    ),
    Breach(
        "imports go downstairs only", "workflows/steps/x.py", DOC + "import omnicore.workflows.runner\n", 2, "upstairs"
    ),
    Breach("imports go downstairs only", "cellar/x.py", DOC, 1, "room cellar has no floor"),
    Breach(
        "imports go downstairs only",
        "sandbox/wasi/x.py",
        DOC + "import omnicore.sandbox.extism.engine\n",
        2,
        "sandbox/wasi may not import sandbox/extism",
    ),
    Breach(
        "imports go downstairs only",
        "sandbox/engine.py",
        DOC + "import omnicore.sandbox.capi.library\n",
        2,
        "sandbox/(ground) may not import sandbox/capi",
    ),
    Breach(
        "imports go downstairs only",
        "sandbox/abi.py",
        DOC + "import omnicore.sandbox.inspect\n",
        2,
        "sandbox (floor 1.5) imports upstairs: omnicore.sandbox.inspect (floor 3)",
    ),
    Breach(
        "imports go downstairs only",
        "sandbox/abi.py",
        DOC + "import omnicore.config\n",
        2,
        "sandbox (floor 1.5) imports upstairs: omnicore.config (floor 2)",
    ),
    Breach(
        "an engine's tables are its own",
        "api/x.py",
        DOC + "from omnicore.storage.tables.tasks import Task, TasksTable\n",
        2,
        "omnicore.api.x knows omnicore.storage.tables.tasks.TasksTable",
    ),
    Breach(
        "an engine's tables are its own",
        "workflows/service.py",
        DOC + "from omnicore.workflows.journal import Journal\n",
        2,
        "use omnicore.jobs.engine",
    ),
    Breach(
        "libraries stay at home",
        "plugins/x.py",
        DOC + "import ctypes\n",
        2,
        "ctypes is at home in sandbox.capi",
    ),
    Breach("libraries stay at home", "sandbox/extism/x.py", DOC + "from ctypes import c_int\n", 2, "sandbox.capi"),
    Breach(
        "libraries stay at home",
        "api/x.py",
        DOC + "from rich.table import Table\n",
        2,
        "rich is at home in cli",
    ),
    Breach("libraries stay at home", "plugins/x.py", DOC + "import watchfiles\n", 2, "plugins.folder"),
    Breach("libraries stay at home", "api/x.py", DOC + "import requests.adapters\n", 2, "requests has no home"),
    Breach("SQL stays in storage", "plugins/x.py", DOC + "Q = 'SELECT hash FROM plugins'\n", 2, "SELECT hash"),
    Breach("SQL stays in storage", "plugins/x.py", DOC + "Q = f'delete from {1} where x'\n", 2, "delete from"),
    Breach("SQL stays in storage", "api/x.py", DOC + "Q = '''\n  update t set a = 1'''\n", 2, "update t set"),
    Breach("SQL stays in storage", "api/x.py", DOC + "Q = 'PRAGMA journal_mode = WAL'\n", 2, "PRAGMA"),
    Breach(
        "no import cycles",
        "events/first.py",
        DOC + "import omnicore.events.planted\n",
        2,
        "omnicore.events.first -> omnicore.events.planted -> omnicore.events.first",
    ),
    Breach(
        "no imports inside functions",
        "api/x.py",
        DOC + "def late():\n    if True:\n        import json\n",
        4,
        "json is imported inside late",
    ),
    Breach("no imports inside functions", "api/x.py", DOC + "class A:\n    import json\n", 3, "inside A"),
    Breach(
        "imports by name in the listed tables only",
        "api/x.py",
        DOC + "import importlib\n\nimportlib.import_module('json')\n",
        4,
        "imports by name",
    ),
    Breach("files and functions stay small", "api/x.py", DOC + "a = 1\n" * FILE_LIMIT, 1, "801 lines"),
    Breach(
        "files and functions stay small",
        "api/x.py",
        DOC + "async def long():\n" + "    a = 1\n" * FUNCTION_LIMIT,
        2,
        "long has 41 lines",
    ),
    Breach("nothing is left over", "api/x.py", DOC + "\n# TODO: later\n", 3, "TODO"),
    Breach("nothing is left over", "api/x.py", DOC + "raise NotImplementedError\n", 2, "NotImplementedError"),
    Breach("nothing is left over", "api/x.py", DOC + "a = 1  # pragma: no cover\n", 2, "pragma: no cover"),
    Breach("public things are documented", "api/x.py", "a = 1\n", 1, "omnicore.api.x has no docstring"),
    Breach("public things are documented", "api/x.py", DOC + "\ndef f(): ...\n", 3, "f is public"),
    Breach("public things are documented", "api/x.py", DOC + "class A: ...\n", 2, "A is public"),
    Breach("exported names exist", "api/x.py", DOC + "__all__ = ['gone']\n", 2, "not there: gone"),
    Breach("exported names exist", "api/x.py", DOC + "__all__ = ['a', 'a']\na = 1\n", 2, "twice"),
]

SOUND = {
    "__init__.py": DOC + "__version__ = '1'\n",
    "clock.py": DOC + "import time\n",
    "events/first.py": DOC,
    "events/planted.py": DOC + "import omnicore.clock\nfrom omnicore.events import first\n",
    "storage/__init__.py": '"""SELECT a FROM b: prose says it."""\nQ = "SELECT a FROM b"\nimport sqlite3\n',
    "plugins/folder.py": DOC + "import watchfiles\nfrom omnicore import __version__\nfrom omnicore.storage import Q\n",
    "sandbox/capi/store.py": DOC + "import ctypes\nimport omnicore.sandbox.abi\n",
    "sandbox/extism/engine.py": DOC + "from omnicore.sandbox.capi import store\nimport omnicore.sandbox.abi\n",
    "sandbox/abi.py": DOC + "def _f():\n    return 'please select one from the list'\n",
    "config/settings.py": DOC + "from omnicore.sandbox.abi import Limits\n",
    "cli/call.py": DOC + "import click\nimport omnicore.assembly\n",
    "cli/options.py": DOC + "import importlib\n\nimportlib.import_module('json')\n",
}


def plant(root: Path, files: dict[str, str]) -> Path:
    package = root / "omnicore"
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return package


@pytest.mark.parametrize("rule", RULES)
def test_a_sound_tree_has_no_findings(rule: str, tmp_path: Path) -> None:
    assert RULES[rule](read(plant(tmp_path, SOUND))) == []


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"{breach.rule}: {breach.says}")
def test_a_planted_breach_is_reported_with_file_and_line(breach: Breach, tmp_path: Path) -> None:
    package = plant(tmp_path, SOUND | {breach.path: breach.text})
    findings = RULES[breach.rule](read(package))
    assert len(findings) == 1, findings
    assert findings[0].startswith(f"{package / breach.path}:{breach.line} ")
    assert breach.says in findings[0]


def test_every_rule_has_a_planted_breach() -> None:
    assert {breach.rule for breach in BREACHES} == set(RULES)


def test_two_cycles_are_two_findings(tmp_path: Path) -> None:
    files = {"a.py": "import omnicore.b\n", "b.py": "import omnicore.a\n"}
    files |= {"c.py": "from omnicore import d\n", "d.py": "from omnicore.c import x\n"}
    findings = RULES["no import cycles"](read(plant(tmp_path, files)))
    assert len(findings) == 2


def test_imports_for_types_make_a_cycle(tmp_path: Path) -> None:
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import omnicore.a\n"
    assert len(RULES["no import cycles"](read(plant(tmp_path, {"a.py": "import omnicore.b\n", "b.py": typed})))) == 1


def test_a_file_at_the_limit_is_small_enough(tmp_path: Path) -> None:
    function = "def f():\n" + "    a = 1\n" * (FUNCTION_LIMIT - 1)
    text = function + "a = 1\n" * (FILE_LIMIT - FUNCTION_LIMIT)
    assert check_sizes(read(plant(tmp_path, {"x.py": text}))) == []


def test_the_report_lists_what_misses_the_aims_longest_first(tmp_path: Path) -> None:
    files = {
        "x.py": "a = 1\n" * (FILE_AIM + 1),
        "y.py": "a = 1\n" * (FILE_AIM + 9),
        "z.py": "a = 1\n" * FILE_AIM,
    }
    lines = report(plant(tmp_path, files)).splitlines()
    assert "3 files" in lines[0]
    assert [line.split(":")[0].rpartition("/")[2] for line in lines[1:-1]] == ["y.py", "x.py"]
