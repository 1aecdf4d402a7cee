"""What a whole host tells of the resources that it uses."""

from __future__ import annotations

from pathlib import Path

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
