"""Whatever is written, deleted, built and opened again in whatever order: a search gives what comparing all gives."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from omnicore.clock import ManualClock
from omnicore.config.settings import VectorSettings
from omnicore.storage.database import Database
from omnicore.vectors.service import VectorService

NAMES = st.integers(0, 40).map(str)
SETTINGS = VectorSettings(exact_up_to=12, refresh_s=0.0, m=8, ef=64, snapshot_s=1e9)


class Vectors(RuleBasedStateMachine):
    """A service and a second one beside it, against a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = Database.open(self.folder / "x.db")
        self.clock = ManualClock()
        self.services = [self.fresh(), self.fresh()]
        self.model: dict[str, tuple[np.ndarray, int]] = {}

    def fresh(self) -> VectorService:
        return VectorService(self.store, self.folder / "vectors", SETTINGS, clock=self.clock)

    @initialize(metric=st.sampled_from(["cosine", "l2", "dot"]))
    def create(self, metric: str) -> None:
        self.metric = metric
        self.services[0].create("p", "docs", 4, metric)

    @rule(names=st.lists(NAMES, min_size=1, max_size=30), seed=st.integers(0, 5), which=st.integers(0, 1))
    def upsert(self, names: list[str], seed: int, which: int) -> None:
        rows = np.random.default_rng(seed).standard_normal((len(names), 4)).astype(np.float32)
        self.services[which].upsert_rows("p", "docs", names, rows, [{"seed": seed}] * len(names))
        self.model |= {name: (row, seed) for name, row in zip(names, rows, strict=True)}

    @rule(names=st.lists(NAMES, min_size=1, max_size=30), which=st.integers(0, 1))
    def delete(self, names: list[str], which: int) -> None:
        there = self.model.keys() & set(names)
        assert self.services[which].delete("p", "docs", names) == len(there)
        self.model = {name: one for name, one in self.model.items() if name not in there}

    @rule(which=st.integers(0, 1), seconds=st.sampled_from([0.0, 2.0]))
    def upkeep(self, which: int, seconds: float) -> None:
        self.clock.advance(seconds)
        self.services[which].round()

    @rule(which=st.integers(0, 1))
    def reopen(self, which: int) -> None:
        self.services[which] = self.fresh()

    @rule(seed=st.integers(0, 9), which=st.integers(0, 1), k=st.integers(1, 50), wanted=st.none() | st.integers(0, 5))
    def search(self, seed: int, which: int, k: int, wanted: int | None) -> None:
        query = np.random.default_rng(100 + seed).standard_normal(4).astype(np.float32)
        found, exact = self.services[which].search("p", "docs", query, k, {} if wanted is None else {"seed": wanted})
        best = sorted(self.distance(row, query) for row, seed in self.model.values() if wanted in (None, seed))[:k]
        assert len(found) == len(best)
        assert all(abs(one.distance - self.distance(self.model[one.id][0], query)) < 1e-5 for one in found)
        if exact:
            assert np.allclose([one.distance for one in found], best, atol=1e-5)

    @invariant()
    def counts(self) -> None:
        if hasattr(self, "metric"):
            assert self.services[0].count("p", "docs") == len(self.model)
            assert self.services[0].health().ok

    def distance(self, row: np.ndarray, query: np.ndarray) -> float:
        a, b = row.astype(float), query.astype(float)
        if self.metric == "l2":
            return float(np.linalg.norm(a - b))
        product = float(a @ b)
        return 1 - (product / float(np.linalg.norm(a) * np.linalg.norm(b)) if self.metric == "cosine" else product)

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)


TestVectors = Vectors.TestCase
TestVectors.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
