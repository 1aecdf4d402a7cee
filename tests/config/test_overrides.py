"""What the console sets lies between variables and the settings file, is checked like them, never half written."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from tests.kills import ended_at, steps_of
from tests.storage.stores import OpenStore

from omnicore.clock import ManualClock
from omnicore.config.loader import SCHEMA, Loaded, load_settings
from omnicore.config.overrides import (
    FILE,
    changing,
    given,
    overridden,
    read_overrides,
    shared_overrides,
    why_fixed,
)
from omnicore.config.service import LIVE, Item, SettingsDesk, schema_for
from omnicore.config.settings import Settings
from omnicore.errors import Conflict, InvalidSetting, NotFound, StorageFailed
from omnicore.storage.tables.settings import OverridesTable


def base(folder: Path, text: str = "", **variables: str) -> Loaded:
    file = folder / "omnicore.toml"
    file.write_text(text)
    return load_settings(file, {"OMNICORE_DATA": str(folder / "data"), **variables}, {})


def loaded(folder: Path, text: str = "", **variables: str) -> Loaded:
    found = base(folder, text, **variables)
    return overridden(found, read_overrides(found.settings.data))


def put(folder: Path, content: object) -> None:
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / FILE).write_text(content if isinstance(content, str) else json.dumps(content))


def item(desk: SettingsDesk, name: str) -> Item:
    return next(one for one in desk.items() if one.name == name)


def test_it_wins_over_the_file_and_defaults_and_variables_win_over_it(tmp_path: Path) -> None:
    put(tmp_path, {"threads": 3, "log_lines": 7, "limits.timeout_s": 0.5, "max_warm": 2})
    found = loaded(tmp_path, "threads = 5\n[limits]\ntimeout_s = 2\n", OMNICORE_LOG_LINES="9")
    assert (found.settings.threads, found.settings.limits.timeout_s, found.settings.max_warm) == (3, 0.5, 2)
    assert found.settings.log_lines == 9
    origins = {name: str(found.origins[name]) for name in ("threads", "log_lines", "limits.timeout_s", "watch")}
    assert origins == {
        "threads": "console",
        "log_lines": "OMNICORE_LOG_LINES",
        "limits.timeout_s": "console",
        "watch": "default",
    }


def test_without_the_file_nothing_changes(tmp_path: Path) -> None:
    found = base(tmp_path)
    assert loaded(tmp_path).settings == found.settings
    assert not found.settings.data.exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "cannot be used"),
        ("[1]", "no table"),
        ('{"threads": 1, "threads": 2}', "stands twice"),
        ({"threads": 0}, "threads cannot be 0"),
        ({"threads": "many"}, "threads cannot be 'many'"),
        ({"treads": 4}, "treads is an unknown setting"),
        ({"token": "mine"}, "token cannot be set here"),
        ({"access": {"oidc": {"issuer": "https://evil"}}}, "cannot be set here"),
        ({"limits.timeout_s": 9e9}, "more than max_limits.timeout_s"),
        ({"body_bytes": 1}, "body_bytes cannot be 1"),
        ({"threads": {"a": 1}}, "is an unknown setting"),
        ("[" * 100_000, "cannot be used"),
        ('{"threads": ' + "1" * 5000 + "}", "cannot be used"),
    ],
)
def test_what_cannot_be_used_is_told_and_not_passed_over(tmp_path: Path, content: object, told: str) -> None:
    put(tmp_path, content)
    with pytest.raises(InvalidSetting, match=told):
        loaded(tmp_path)


def test_who_gets_in_what_is_trusted_and_where_things_are_is_not_to_be_set() -> None:
    free = [leaf.name for leaf in SCHEMA.values() if not why_fixed(leaf)]
    assert "limits.timeout_s" in free
    assert not [
        name
        for name in free
        if name in ("plugins", "data", "host", "port", "token", "allowed_hosts", "engine")
        or name.startswith(("access.", "max_limits.", "storage.", "runtime.", "app", "plugin_settings"))
        or SCHEMA[tuple(name.split("."))].secret
    ]


def test_every_setting_has_a_schema_that_its_default_fits() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    for leaf in (leaf for leaf in SCHEMA.values() if leaf.name != "data"):  # that of data is each project's own
        default = list(map(str, leaf.default)) if isinstance(leaf.default, tuple) else leaf.default
        default = str(default) if isinstance(default, Path) else default
        jsonschema.Draft202012Validator(schema_for(leaf)).validate(dict(default) if leaf.free else default)


def test_a_change_is_shown_kept_and_taken_up_where_that_can_be_done(tmp_path: Path) -> None:
    taken: list[int] = []
    desk = SettingsDesk(loaded(tmp_path), {"log_lines": lambda settings: taken.append(settings.log_lines)})
    live, later = desk.set("log_lines", 5), desk.set("threads", 2)
    assert (live.value, live.next, live.waiting, live.restart, live.origin) == (5, 5, False, False, "console")
    assert (later.value, later.next, later.waiting, later.restart, later.origin) == (8, 2, True, True, "default")
    assert taken == [5]
    assert loaded(tmp_path).settings.threads == 2
    back = desk.unset("log_lines")
    assert (back.value, back.override, back.origin, taken) == (1000, False, "default", [5, 1000])
    assert desk.unset("threads").waiting is False
    assert loaded(tmp_path).settings == base(tmp_path).settings


def test_a_change_by_another_process_is_taken_up(tmp_path: Path) -> None:
    taken: list[str] = []
    desk = SettingsDesk(loaded(tmp_path), {"log_level": lambda settings: taken.append(settings.log_level)})
    SettingsDesk(loaded(tmp_path)).set("log_level", "debug")
    desk.refresh()
    desk.refresh()
    assert taken == ["debug"]
    put(tmp_path, "{")
    desk.refresh()  # what cannot be used is told in the log and changes nothing
    assert taken == ["debug"]


def test_hosts_of_one_database_have_the_settings_of_each_other(open_store: OpenStore, tmp_path: Path) -> None:
    taken: list[int] = []
    tables = [OverridesTable(open_store(), ManualClock()) for _ in range(2)]
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir(mode=0o700)
        put(folder, '{"threads": 3}')  # what a host of an earlier version kept in its own folder
    found = [
        shared_overrides(base(folder), table, folder / "data") for folder, table in zip(folders, tables, strict=True)
    ]
    assert [one.settings.threads for one in found] == [3, 3]
    assert not any((folder / "data" / FILE).exists() for folder in folders)
    one = SettingsDesk(found[0], keeper=tables[0])
    other = SettingsDesk(found[1], {"log_lines": lambda new: taken.append(new.log_lines)}, keeper=tables[1])
    one.set("log_lines", 5)
    other.refresh()
    assert (taken, other.item("log_lines").origin) == ([5], "console")
    other.unset("threads")
    assert (one.item("threads").next, one.item("threads").waiting) == (8, True)
    with tables[0].changing() as change:
        change.values.update({"of_a_newer_version": 1, "log_lines": -1})
        change.write()
    other.refresh()  # what cannot be used is told in the log and changes nothing
    assert taken == [5]
    one.unset("log_lines")
    assert shared_overrides(base(folders[0]), tables[0], folders[0] / "data").settings.log_lines == 1000
    assert "of_a_newer_version" in tables[1].read()


def test_what_may_not_be_changed_is_refused_with_the_reason(tmp_path: Path) -> None:
    found = loaded(tmp_path, "[plugin_settings.text]\nlocale = 'de'\n", OMNICORE_THREADS="4")
    desk = SettingsDesk(found)
    for name, told in {
        "token": "cannot be set here",
        "allowed_hosts": "cannot be set here",
        "plugin_settings": "cannot be set here",
        "threads": "is set by OMNICORE_THREADS, which wins",
    }.items():
        with pytest.raises(Conflict, match=told):
            desk.set(name, 1)
    for name in ("nothing", "limits", "", "..", "plugin_settings.text.locale"):
        with pytest.raises(NotFound, match="there is no setting"):
            desk.set(name, 1)
    for value in (None, "x", [], {}, True, 10**400, float("nan"), -1, 1.5):
        with pytest.raises(InvalidSetting, match="cannot be"):
            desk.set("max_warm", value)
    with pytest.raises(Conflict, match="is not set here"):
        desk.unset("watch")
    assert not (tmp_path / "data" / FILE).exists()
    assert item(desk, "threads").fixed == "OMNICORE_THREADS sets it, which wins"


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    text = "token = 'hush-1'\n[storage]\nurl = 'postgresql://me:hush-2@db/x'\n[plugin_settings.a]\ndsn = 'hush-3'\n"
    desk = SettingsDesk(loaded(tmp_path, text + "[app]\napi_key = 'hush-4'\n"))
    items = desk.items()
    assert "hush" not in repr(items)
    assert {one.name for one in items if one.value == "********"} == {
        *("token", "storage.url", "plugin_settings.a.dsn", "app.api_key"),
    }
    assert all(one.secret and not one.editable for one in items if one.value == "********")


def test_what_code_gave_stays_and_the_rest_may_be_set(tmp_path: Path) -> None:
    found = given(Settings(threads=4, data=tmp_path))
    settings = overridden(found, {"threads": 2, "max_warm": 1}).settings
    assert (settings.threads, settings.max_warm) == (4, 1)


def test_all_that_is_taken_up_at_once_is_a_setting_that_may_be_set() -> None:
    assert all(not why_fixed(SCHEMA[path]) for path in SCHEMA if path[0] in LIVE)


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_what_was_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    desk = SettingsDesk(loaded(tmp_path))
    desk.set("threads", 3)
    before = (tmp_path / "data" / FILE).read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if call == "replace":
        monkeypatch.setattr(Path, "replace", full)
    else:
        monkeypatch.setattr(os, {"write": "open", "fsync": "fsync"}[call], full)
    with pytest.raises(StorageFailed, match="No space left on device"):
        desk.set("threads", 2)
    monkeypatch.undo()
    assert (tmp_path / "data" / FILE).read_bytes() == before
    assert not list((tmp_path / "data").glob(".*.partial"))
    assert desk.set("threads", 2).next == 2


def _set(folder: Path, threads: int) -> None:
    with changing(folder) as change:
        change.values["threads"] = threads
        change.write()


def test_a_process_killed_at_any_step_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    data = tmp_path / "data"
    _set(data, 1)
    steps = steps_of(_set, data, 1)
    assert steps >= 3
    for step in range(1, steps + 1):
        _set(data, 1)
        assert ended_at(step, _set, data, 2)
        assert read_overrides(data) in ({"threads": 1}, {"threads": 2})
        _set(data, 3)  # nothing that is left stands in the way
        assert sorted(path.name for path in data.iterdir()) == [".overrides.json.lock", FILE]


def test_processes_that_change_it_at_once_lose_nothing(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    data = tmp_path / "data"
    names = [leaf.name for leaf in SCHEMA.values() if not why_fixed(leaf)][:24]

    def change(name: str) -> None:
        with changing(data) as held:
            held.values[name] = 1
            held.write()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, names))
    assert read_overrides(data) == dict.fromkeys(names, 1)


def test_it_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    _set(tmp_path / "data", 1)
    assert (tmp_path / "data" / FILE).stat().st_mode & 0o777 == 0o600
