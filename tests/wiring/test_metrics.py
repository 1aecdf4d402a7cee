"""What a whole host tells of the resources that it uses."""

from __future__ import annotations

from pathlib import Path

import pytest
from host_build import dashboards
from prometheus_client.parser import text_string_to_metric_families as families

from omnicore.assembly import Host


def test_a_host_tells_what_it_uses_of_memory_processor_and_disk(tmp_path: Path) -> None:
    with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host:
        text = host.metrics.render().decode()
        found = {family.name: family.samples[0].value for family in families(text) if family.samples}
        size = (tmp_path / "data" / "omnicore.db").stat().st_size
    assert found["process_resident_memory_bytes"] > 10_000_000
    assert found["process_cpu_seconds"] > 0
    assert found["omnicore_database_bytes"] >= size
    assert found["omnicore_sandboxes_warm_bytes"] == 0


def test_the_dashboard_and_the_alerts_are_as_the_metrics_make_them() -> None:
    stale = [path.name for path, text in dashboards.made().items() if path.read_text() != text]
    assert stale == [], "run python host_build/dashboards.py"


def test_a_query_about_a_metric_that_no_host_has_is_refused() -> None:
    known = dict.fromkeys(dashboards.families(), ("gauge", ""))
    del known["omnicore_tasks_pending"]
    with pytest.raises(ValueError, match="no host has the metrics omnicore_tasks_pending"):
        dashboards.checked(known)
