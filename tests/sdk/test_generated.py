"""What is made from `specs/doors` is up to date, and a broken description is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from sdk.generate.__main__ import stale
from sdk.generate.contract import DOORS, ROOT, VERBLESS, load


def test_every_kit_says_what_the_descriptions_say() -> None:
    assert [str(path.relative_to(ROOT)) for path in stale()] == []


def test_a_broken_description_is_named_with_its_file(tmp_path: Path) -> None:
    for name in (*DOORS, *VERBLESS, "errors"):
        (tmp_path / f"{name}.toml").write_text((ROOT / "specs" / "doors" / f"{name}.toml").read_text())
    kv = tmp_path / "kv.toml"
    kv.write_text(kv.read_text().replace('type = "bytes"', 'type = "blob"', 1))
    with pytest.raises(ValueError, match=r"kv\.toml: there is no type 'blob'"):
        load(tmp_path)
