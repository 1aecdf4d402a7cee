"""The settings file of a folder that nobody trusts: it loosens nothing, says so in one line, and the host runs."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from tests.attack.commands import Commands, commands
from tests.trusting import trusted

from omnicore import Host
from omnicore.config.loader import SCHEMA, Loaded, load_settings
from omnicore.config.overrides import value_of
from omnicore.config.schema import Leaf, nested
from omnicore.errors import InvalidSetting

__all__ = ["commands"]

PAGE = Path(__file__).parents[2] / "specs" / "trust.md"
LEAVES = sorted(SCHEMA.values(), key=lambda leaf: leaf.name)


def found(folder: Path, path: tuple[str, ...], value: Any) -> Loaded:
    """What a host is told in a folder whose file sets one value."""
    (folder / "omnicore.json").write_text(json.dumps(nested({path: value})))
    return load_settings(None, {}, {}, folder=folder)


def other(leaf: Leaf) -> Any:
    """A value that the setting does not have by default, and that is above it where it has an order."""
    kind, default = leaf.type, leaf.default
    if get_origin(kind) is tuple:
        return ["something.example"]
    options = [one for one in get_args(kind) if one is not type(None)]
    if options and isinstance(options[0], str):
        return next(one for one in options if one != default)
    kind = options[0] if options else kind
    if kind is bool:
        return not default
    if kind in (int, float):
        most = leaf.maximum if leaf.maximum is not None else float("inf")
        above = max((default or 1) + 1, leaf.minimum or 0)
        return above if above <= most else (leaf.minimum or 0) + 0.5 * ((default or 1) - (leaf.minimum or 0))
    return "/somewhere" if kind is Path else "something"


@pytest.mark.parametrize("leaf", [leaf for leaf in LEAVES if leaf.untrusted == "never"], ids=lambda leaf: leaf.name)
def test_what_is_not_listed_is_ignored_with_one_line(tmp_path: Path, leaf: Leaf) -> None:
    path = (*leaf.path, "x", "y") if leaf.free else leaf.path
    usual = value_of(load_settings(None, {}, {}, folder=tmp_path).settings, leaf.path)
    loaded = found(tmp_path, path, other(leaf))
    assert value_of(loaded.settings, leaf.path) == usual
    assert [one.name for one in loaded.ignored] == [leaf.name]
    assert len(loaded.notes) == 1
    assert f"may not set {leaf.name}, which is ignored; `omnicore trust`" in loaded.notes[0]
    trusted(tmp_path)
    if leaf.start_only:
        with pytest.raises(InvalidSetting, match="cannot be set by a file"):
            load_settings(None, {}, {}, folder=tmp_path)
    else:
        assert value_of(load_settings(None, {}, {}, folder=tmp_path).settings, leaf.path) != usual


@pytest.mark.parametrize("leaf", [leaf for leaf in LEAVES if leaf.untrusted == "lower"], ids=lambda leaf: leaf.name)
def test_a_limit_may_be_lowered_and_never_raised(tmp_path: Path, leaf: Leaf) -> None:
    high = 10**6 if leaf.default is None else leaf.default * 2 + 1
    if isinstance(leaf.default, bool):
        assert found(tmp_path, leaf.path, False).ignored == ()
        assert bool(found(tmp_path, leaf.path, True).ignored) is not leaf.default
        return
    if leaf.default is not None and (leaf.maximum is None or high <= leaf.maximum):
        loaded = found(tmp_path, leaf.path, high)
        assert value_of(loaded.settings, leaf.path) == leaf.default
        assert [one.name for one in loaded.ignored] == [leaf.name]
    low = high if leaf.default is None else max(leaf.minimum or 0, type(leaf.default)(leaf.default * 0.9))
    if leaf.name != "max_limits.fuel":  # alone it is below the limit that plugins have, which is an error; see below
        assert found(tmp_path, leaf.path, min(low, leaf.default or low)).ignored == ()


def test_no_bound_is_above_every_bound(tmp_path: Path) -> None:
    (tmp_path / "omnicore.yaml").write_text("limits: {timeout_s: null}\nmax_limits: {fuel: 7, host_calls: null}\n")
    with pytest.raises(InvalidSetting):  # these take a number
        load_settings(None, {}, {}, folder=tmp_path)
    (tmp_path / "omnicore.yaml").write_text("limits: {fuel: 7}\nmax_limits: {fuel: 9}\n")
    settings = load_settings(None, {}, {}, folder=tmp_path).settings
    assert (settings.limits.fuel, settings.max_limits.fuel) == (7, 9)


@pytest.mark.parametrize(
    ("name", "value"),
    [("watch", False), ("log_level", "warn"), ("runtime.log_format", "json"), ("plugins", "mine"), ("app.greet", "x")],
)
def test_what_is_harmless_counts(tmp_path: Path, name: str, value: Any) -> None:
    assert found(tmp_path, tuple(name.split(".")), value).ignored == ()


@pytest.mark.parametrize("place", ["/etc", "..", "../mine", "plugins/../../x", "link"])
def test_plugins_outside_of_the_folder_are_ignored(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    loaded = found(folder, ("plugins",), place)
    assert loaded.settings.plugins == Path("plugins") or loaded.settings.plugins == folder / "plugins"
    assert [one.name for one in loaded.ignored] == ["plugins"]


def test_trust_holds_for_path_and_digest(tmp_path: Path) -> None:
    file = tmp_path / "omnicore.toml"
    file.write_text("port = 1\n")
    assert load_settings(None, {}, {}, folder=trusted(tmp_path)).settings.port == 1
    file.write_text("port = 2\n")
    assert load_settings(None, {}, {}, folder=tmp_path).settings.port == 8080
    file.rename(tmp_path / "was.toml")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "omnicore.toml").write_text("port = 1\n")
    assert load_settings(None, {}, {}, folder=tmp_path / "copy").settings.port == 8080
    assert load_settings(tmp_path / "was.toml", {}, {}).settings.port == 2  # named: the owner's word
    assert load_settings(None, {"OMNICORE_CONFIG": str(tmp_path / "was.toml")}, {}).settings.port == 2


def test_a_settings_file_that_leads_out_of_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.toml").write_text("this is no settings file, and nobody is told what it says")
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone" / "omnicore.toml").symlink_to(tmp_path / "secret.toml")
    loaded = load_settings(None, {}, {}, folder=tmp_path / "clone")
    assert [one.name for one in loaded.ignored] == ["everything"]


def test_variables_and_options_win_as_before(tmp_path: Path) -> None:
    (tmp_path / "omnicore.toml").write_text("port = 1\ndata = '/somewhere'\n")
    environ = {"OMNICORE_PORT": "2", "OMNICORE_DATA": str(tmp_path / "data")}
    settings = load_settings(None, environ, {}, folder=tmp_path).settings
    assert (settings.port, settings.data) == (2, tmp_path / "data")


def test_the_command_line_tells_once_shows_what_is_ignored_and_trusts(tmp_path: Path, commands: Commands) -> None:
    (tmp_path / "omnicore.toml").write_text('port = 1\ntoken = "of a stranger"\ndata = "state"\nlog_level = "warn"\n')
    ran = commands("config", "show", "port", "--origin", folder=tmp_path)
    assert ran.err.count("not trusted") == 1
    assert "may not set port, token, data" in ran.err
    assert "8080\tdefault; omnicore.toml:1 is ignored" in ran.out
    shown = json.loads(commands("config", "show", "--origin", "-o", "json", folder=tmp_path).out)
    assert shown["port"] == {"value": 8080, "origin": "default", "ignored": "omnicore.toml:1"}
    assert commands("trust", folder=tmp_path).code == 2
    ran = commands("trust", "--yes", folder=tmp_path)
    assert (ran.code, "port = 1" in ran.err, "of a stranger" in ran.err + ran.out) == (0, True, False)
    assert str(tmp_path) in commands("trust", "--ls", folder=tmp_path).out
    assert "1\tomnicore.toml:1\n" in commands("config", "show", "port", "--origin", folder=tmp_path).out
    assert commands("trust", "--revoke", folder=tmp_path).code == 0
    assert commands("trust", "--revoke", folder=tmp_path).code == 5
    assert not (tmp_path / "state").exists()


def test_a_program_that_embeds_a_host_goes_by_the_same_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("port: 1\nrequest_timeout_s: 1s\n")
    with caplog.at_level(logging.WARNING, logger="omnicore.settings"):
        settings = Host().settings
    assert (settings.port, settings.request_timeout_s) == (8080, 1.0)
    assert [record.getMessage().count("may not set port") for record in caplog.records] == [1]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("omnicore.toml", ".".join(["a"] * 30_000) + " = 1"),
        ("omnicore.toml", "x = {" + ".".join(["a"] * 30_000) + " = 1}"),
        ("omnicore.toml", "\n".join(f"k{number} = 1" for number in range(5_000))),
        ("omnicore.json", "{" + ",".join(f'"k{number}": 1' for number in range(5_000)) + ', "k4999": 2}'),
        ("omnicore.json", '{"a":' * 10_000 + "1" + "}" * 10_000),
        ("omnicore.yaml", "a: " + "1:" * 30_000 + "1"),
        ("omnicore.yaml", "{" * 60_000),
        ("omnicore.yaml", "port: 1\n" + "#" * 2**20),
    ],
    ids=["parts", "inline", "unknown", "twice", "deep", "sixty", "braces", "large"],
)
def test_a_file_made_to_cost_much_is_refused_soon(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    before = time.process_time()
    with pytest.raises(InvalidSetting) as caught:
        load_settings(None, {}, {}, folder=tmp_path)
    assert time.process_time() - before < 10
    assert len(str(caught.value)) < 50_000


def test_the_page_lists_what_a_folder_may_set() -> None:
    text = PAGE.read_text()
    listed = dict(re.findall(r"^\| `([a-z_.]+)` \| (any|lower|inside) \|", text, re.MULTILINE))
    kept: Mapping[str, str] = {leaf.name: leaf.untrusted for leaf in LEAVES if leaf.untrusted != "never"}
    assert listed == {name: kind for name, kind in kept.items() if not re.match(r"(max_)?limits\.", name)}
    assert "`limits.*`" in text
    assert "`max_limits.*`" in text


def test_whoever_is_asked_for_trust_sees_each_value_whole_and_on_a_line_of_its_own(
    commands: Commands, tmp_path: Path
) -> None:
    folders = ["/nowhere/" + "x" * 400, "/home/ann\n  port = 8000"]
    (tmp_path / "omnicore.json").write_text(json.dumps({"connectors": {"secret_folders": folders}, "host": "a\nb = c"}))
    ran = commands("trust", ".", "--yes", folder=tmp_path)
    lines = ran.err.splitlines()
    assert f"  connectors.secret_folders = {json.dumps(folders)}" in lines
    assert "  host = a\\nb = c" in lines
