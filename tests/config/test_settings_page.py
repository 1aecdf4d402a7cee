"""`docs/settings.md` is generated, and names each setting and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from omnicore.config.loader import FIXED, SCHEMA, load_settings, no_setting
from omnicore.config.overrides import overridden
from omnicore.config.schema import Leaf
from omnicore.errors import InvalidSetting, NotFound

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date() -> None:
    subprocess.run([sys.executable, ROOT / "host_build" / "settings_page.py", "--check"], check=True)


def test_there_are_at_most_a_hundred_and_twenty_five_settings_and_each_says_what_it_is() -> None:
    assert len(SCHEMA) <= 125  # a hundred for one host, ten for a fleet, fifteen for packages
    assert [leaf.name for leaf in SCHEMA.values() if len(leaf.doc) < 10] == []


@pytest.mark.parametrize("leaf", FIXED.values(), ids=lambda leaf: leaf.name)
def test_what_was_a_setting_once_is_noted_in_a_file_and_the_host_starts(leaf: Leaf, tmp_path: Path) -> None:
    *tables, last = leaf.path
    head = f"[{'.'.join(tables)}]\n" if tables else ""
    (tmp_path / "omnicore.toml").write_text(f"{head}{last} = 7\n")
    found = load_settings(tmp_path / "omnicore.toml", {}, {})
    (note,) = (note for note in found.notes if "no longer" in note)
    assert note.startswith(f"{tmp_path / 'omnicore.toml'}:{len(tables[:1]) + 1}: {leaf.name} is no longer a setting")
    assert note.endswith("remove it")
    assert leaf.name not in found.origins


def test_a_variable_and_the_console_may_still_hold_one(tmp_path: Path) -> None:
    found = load_settings(None, {"OMNICORE_TASKS__POLL_S": "1"}, {}, folder=tmp_path)
    assert found.settings.tasks.poll_s == 2.0
    assert found.notes == (
        "OMNICORE_TASKS__POLL_S: tasks.poll_s is no longer a setting and is ignored, the value is 2.0; remove it",
    )
    then = overridden(found, {"tasks.poll_s": 1.0, "tasks.workers": 2})
    assert (then.settings.tasks.poll_s, then.settings.tasks.workers) == (2.0, 2)
    assert then.notes[-1].endswith("remove it with `omnicore config unset tasks.poll_s`")


def test_code_that_still_sets_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"tasks\.poll_s is no longer a setting"):
        load_settings(None, {}, {"tasks": {"poll_s": 1.0}}, folder=tmp_path)


def test_it_is_not_found_by_name() -> None:
    error = no_setting("tasks.poll_s")
    assert isinstance(error, NotFound)
    assert error.fact == "tasks.poll_s is no longer a setting"
