"""While agentdb is unhealthy indexes are left alone, and used again when it is well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from omnicore.config.settings import VectorSettings
from omnicore.storage.database import Database
from omnicore.vectors.ann import available
from omnicore.vectors.service import VectorService

pytestmark = pytest.mark.skipif(not available(), reason="hnswlib is not installed")


def test_a_service_that_is_told_so_compares_all_and_finds_the_same(tmp_path: Path) -> None:
    store = Database.open(tmp_path / "omnicore.db")
    service = VectorService(store, tmp_path / "vectors", VectorSettings(exact_up_to=100))
    rows = np.random.default_rng(7).standard_normal((2000, 8)).astype(np.float32)
    service.create("@host", "docs", 8)
    service.upsert_rows("@host", "docs", [str(number) for number in range(len(rows))], rows)
    question = rows[5].tolist()
    service.search("@host", "docs", question, 3)
    while service.round():
        pass
    by_index, sure = service.search("@host", "docs", question, 3)
    assert not sure
    service.exact_only = True
    compared, sure = service.search("@host", "docs", question, 3)
    assert sure
    assert compared[0].id == by_index[0].id == "5"
    service.exact_only = False
    assert not service.search("@host", "docs", question, 3)[1]
    store.close()
