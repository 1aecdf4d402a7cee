"""`omnicore audit`, and the rows that commands leave."""

from __future__ import annotations

import getpass
import io
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import click
import pytest
from tests.cli.guests import ECHO

from omnicore.cli.local import CHANGES
from omnicore.cli.main import cli, main
from omnicore.config.folders import project_data
from omnicore.storage.database import Database


def leaves(command: click.Command, *names: str) -> Iterator[str]:
    if not isinstance(command, click.Group):
        yield " ".join(names)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        if found is not None:
            yield from leaves(found, *names, name)


Command = Callable[..., tuple[int, str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "echo.wat").write_text(ECHO)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("OMNICORE_")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def omnicore(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Runs a command in this process: what it leaves behind is asked of here, not what the terminal shows."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def run(*arguments: str, stdin: str = "") -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as done:
            main(arguments)
        return int(done.value.code or 0), capsys.readouterr().out

    yield run
    root.handlers[:], root.level = handlers, level
    for name in ("omnicore", "omnicore.extensions"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_commands_that_record_themselves_exist() -> None:
    assert set(CHANGES) <= set(leaves(cli))


def test_commands_that_change_something_leave_a_row_each(omnicore: Command) -> None:
    assert omnicore("plugins", "install", "echo.wat")[0] == 0
    assert omnicore("plugins", "disable", "echo")[0] == 0
    assert omnicore("plugins", "disable", "nobody")[0] == 5
    assert omnicore("secrets", "set", "shared", stdin="hunter2-hunter2\n")[0] == 0
    assert omnicore("config", "set", "threads", "3")[0] == 0
    assert omnicore("plugins", "ls")[0] == 0
    listed = omnicore("audit", "ls", "-o", "json")[1]
    items = json.loads(listed)["items"]
    assert [(one["action"], one["target"]) for one in items] == [
        ("config set", "setting:threads"),
        ("secrets set", "secret:shared"),
        ("plugins disable", "plugin:echo"),
        ("plugins install", "plugin:echo"),
    ]
    assert {(one["actor"], one["via"], one["outcome"]) for one in items} == {(getpass.getuser(), "cli", "done")}
    assert (items[2]["before"]["state"], items[2]["after"]["state"]) == ("enabled", "disabled")
    assert "hunter2" not in listed


def test_the_record_is_checked_and_exported_and_a_broken_one_fails(omnicore: Command, folder: Path) -> None:
    (folder / "plugins" / "echo.wat").write_text(ECHO)
    assert omnicore("plugins", "disable", "echo")[0] == 0
    assert omnicore("plugins", "enable", "echo")[0] == 0
    verdict = json.loads(omnicore("audit", "verify", "-o", "json")[1])
    assert (verdict["ok"], verdict["rows"]) == (True, 3)
    noted = f"{verdict['last']['seq']}:{verdict['last']['hash']}"
    assert omnicore("audit", "export", "record.jsonl")[0] == 0
    lines = [json.loads(line) for line in (folder / "record.jsonl").read_text().splitlines()]
    assert [line["seq"] for line in lines] == [1, 2, 3]
    assert {line["action"] for line in lines} == {"plugin added", "plugins disable", "plugins enable"}
    with closing(Database.open(project_data(folder) / "omnicore.db")) as database, database.write() as session:
        session.execute("DELETE FROM audit WHERE seq = 3")
    code, said = omnicore("audit", "verify", "--noted", noted)
    assert (code, "missing at the end" in said) == (1, True)
    assert omnicore("audit", "verify", "--noted", "nonsense")[0] == 2


def test_a_restored_database_has_a_whole_record_that_says_so(omnicore: Command) -> None:
    assert omnicore("plugins", "install", "echo.wat")[0] == 0
    assert omnicore("db", "backup", "a.backup")[0] == 0
    assert omnicore("plugins", "disable", "echo")[0] == 0
    assert omnicore("db", "restore", "a.backup")[0] == 0
    assert omnicore("audit", "verify")[0] == 0
    (row, *_) = json.loads(omnicore("audit", "ls", "-o", "json")[1])["items"]
    assert (row["action"], row["target"]) == ("db restore", "backup:a.backup")
