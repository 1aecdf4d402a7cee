"""What keeps the host well is used by the parts that need it, and none of it is unused."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from omnicore.assembly import Host

PACKAGE = Path(__file__).parents[2] / "host" / "omnicore"
USED_BY = {
    "breaker": {"plugins", "connectors", "memory"},
    "retry": {"jobs", "connectors", "parts"},
    "retry.Supervised": {"loops", "parts"},
    "health": {"parts", "api"},
    "degradation": {"parts", "api"},
    "health.Alerts": {"parts"},
}


@cache
def importers() -> dict[str, set[str]]:
    """The rooms that import each module of this one, and each name in it."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in PACKAGE.rglob("*.py"):
        room = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for module, names in re.findall(
            r"^ *from omnicore\.resilience\.(\w+) import (\([^)]*\)|.*)", file.read_text(), re.MULTILINE
        ):
            for name in (module, *(f"{module}.{one}" for one in re.findall(r"\w+", names))):
                found[name].add(room)
    return found


@pytest.mark.parametrize("module", USED_BY)
def test_it_is_used_where_it_is_needed(module: str) -> None:
    assert importers()[module] >= USED_BY[module]


def test_each_part_of_a_host_is_asked_for_its_health(tmp_path: Path) -> None:
    parts = {"storage", "plugins", "connectors", "memory", "vectors", "tasks", "loops", "events"}
    with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host:
        report = host.check_health()
    assert report.subsystems.keys() >= parts
    assert report.reasons == {}
