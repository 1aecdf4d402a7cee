"""Settings of a plugin that are seen and changed while the host runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from tests.plugins.conftest import Rig
from tests.plugins.guests import door, says

from omnicore.config.settings import MASK
from omnicore.errors import InvalidInput, InvalidSetting, NotFound

SCHEMA = """
[config]
required = ["city"]
[config.properties.city]
type = "string"
default = "Rome"
[config.properties.days]
type = "integer"
maximum = 7
[config.properties.api_key]
type = "string"
"""


def asked(rig: Rig) -> Any:
    """The settings as the plugin itself sees them."""
    return json.loads(rig.host.call_blocking("a", b"{}"))["values"]


@pytest.fixture
def site(rig_at: Callable[..., Rig], tmp_path: Path) -> Rig:
    rig = rig_at(tmp_path, plugin_settings={"a": {"days": 3}})
    rig.drop("a.toml", SCHEMA)
    rig.drop("a.wat", door("config_get_v1"))
    rig.scan()
    return rig


def test_each_setting_says_where_it_comes_from(site: Rig) -> None:
    config = site.host.config("a")
    assert config.values == {"days": 3, "city": "Rome"}
    assert config.origins == {"days": "settings", "city": "default"}
    assert config.schema is not None


def test_a_stored_setting_holds_from_the_next_call_on_and_for_later_hosts(
    site: Rig, rig_at: Callable[..., Rig], tmp_path: Path
) -> None:
    assert asked(site) == {"city": "Rome", "days": 3}
    config = site.host.configure("a", {"city": "Oslo", "days": 3}, who="ann")
    assert config.origins == {"days": "settings", "city": "stored"}
    assert asked(site) == {"city": "Oslo", "days": 3}
    later = rig_at(tmp_path)
    later.scan()
    assert asked(later) == {"city": "Oslo"}


def test_what_another_process_stored_is_noticed(site: Rig, rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    assert asked(site)["city"] == "Rome"
    command = rig_at(tmp_path)
    command.scan()
    command.host.configure("a", {"city": "Oslo"}, who="ann")
    site.host._folder.tick(False)
    assert asked(site)["city"] == "Oslo"


def test_what_is_left_out_goes_back_to_where_it_came_from(site: Rig) -> None:
    site.host.configure("a", {"city": "Oslo", "days": 5}, who="ann")
    assert site.host.configure("a", {"days": 5}, who="ann").values == {"city": "Rome", "days": 5}
    assert asked(site) == {"city": "Rome", "days": 5}


@pytest.mark.parametrize("values", [{"city": 1}, {"days": 8}, {"city": None}])
def test_what_breaks_the_schema_is_refused_and_changes_nothing(site: Rig, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting, match="settings of a are not valid"):
        site.host.configure("a", values, who="ann")
    assert asked(site) == {"city": "Rome", "days": 3}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"city": "x" * 70_000}, "over 65536 bytes"),
        ({"deep": reduce(lambda inner, _: [inner], range(40), 1)}, "nested over 32 deep"),
        ({"deep": reduce(lambda inner, _: {"a": inner}, range(100_000), 1)}, "cannot be written"),
        ({"city": "\ud800"}, "cannot be written"),
        ({"city": float("nan")}, "cannot be written"),
        ({"a\0b": 1}, "cannot be the name"),
        ({"": 1}, "cannot be the name"),
        ({"x" * 201: 1}, "cannot be the name"),
    ],
    ids=range(8),
)
def test_what_no_form_sends_is_refused(site: Rig, values: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        site.host.configure("a", values, who="ann")


def test_a_secret_is_never_shown_and_kept_when_its_mask_comes_back(site: Rig) -> None:
    config = site.host.configure("a", {"api_key": "s3cret"}, who="ann")
    assert (config.values["api_key"], config.secrets) == (MASK, ("api_key",))
    assert "s3cret" not in json.dumps(config.to_json())
    site.host.configure("a", {**config.values, "city": "Oslo"}, who="ann")
    assert asked(site) == {"api_key": "s3cret", "city": "Oslo", "days": 3}


def test_the_mask_of_a_secret_that_is_not_there_is_refused(site: Rig) -> None:
    with pytest.raises(InvalidSetting, match="no value that could be kept"):
        site.host.configure("a", {"api_key": MASK}, who="ann")


def test_a_plugin_that_was_rejected_for_its_settings_is_taken_in_once_they_are_right(rig: Rig) -> None:
    rig.drop("a.toml", SCHEMA.replace('default = "Rome"\n', ""))
    rig.drop("a.wat", door("config_get_v1"))
    assert rig.scan() == {"a": "rejected"}
    rig.host.configure("a", {"city": "Oslo"}, who="ann")
    assert rig.host.get("a").state == "enabled"
    assert asked(rig) == {"city": "Oslo"}


def test_a_plugin_without_a_schema_takes_any_setting(rig: Rig) -> None:
    rig.drop("a.wat", door("config_get_v1"))
    rig.scan()
    assert rig.host.configure("a", {"any": [1]}, who="ann").schema is None
    assert asked(rig) == {"any": [1]}


def test_a_removed_plugin_leaves_no_settings_behind(site: Rig) -> None:
    site.host.configure("a", {"city": "Oslo"}, who="ann")
    site.host.remove("a")
    site.drop("a.wat", says("1"))
    site.scan()
    assert site.host.config("a").values == {"days": 3}
    with pytest.raises(NotFound):
        site.host.configure("nobody", {}, who="ann")
