"""Guests that flood doors with large requests: everybody else is answered meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.api.hosting import Served
from tests.bench.floods import FLOOD_WAT, large_vectors

TIMES, CALLERS = 12, 4
MANIFEST = """warm = 4
[functions.flood]
[functions.prepare]
[limits]
timeout_s = 60.0
[[capabilities]]
name = "vectors"
reason = "A test"
scope = { collections = ["*"] }
"""
BRACKETS = {"collection": "flood", "vectors": [[]] * 210_000}


@pytest.fixture
def flooded(tmp_path: Path) -> Iterator[Served]:
    """A host with a guest that hands its input to `vectors.upsert` twelve times, and a collection for it."""
    guest = FLOOD_WAT.format(first="vectors_create_v1", door="vectors_upsert_v1", times=TIMES)
    with Served(tmp_path, {"flood.wat": guest, "flood.toml": MANIFEST}) as served:
        served.client.post("/api/v1/plugins/flood/grants", json={}).raise_for_status()
        assert ask(served, "prepare", {"collection": "flood", "dimensions": 384}) == {"created": True}
        yield served


def ask(served: Served, function: str, request: object) -> dict[str, object]:
    with httpx.Client(base_url=served.url, headers=served.client.headers, timeout=120) as client:
        body = json.dumps(request, separators=(",", ":")).encode()
        answer = client.post(f"/api/v1/plugins/flood/functions/{function}", content=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.mark.parametrize(
    ("request_", "answer", "least"),
    [(large_vectors(), {"count": 80}, TIMES * CALLERS), (BRACKETS, {"code": "malformed-request"}, CALLERS)],
    ids=["vectors", "brackets"],
)
def test_health_is_told_while_a_guest_floods_a_door(
    flooded: Served, request_: object, answer: dict[str, object], least: int
) -> None:
    found: list[dict[str, object]] = []
    callers = [threading.Thread(target=lambda: found.append(ask(flooded, "flood", request_))) for _ in range(CALLERS)]
    for one in callers:
        one.start()
    told = 0
    while any(one.is_alive() for one in callers):
        assert flooded.client.get("/healthz").status_code == 200
        told += 1
    assert len(found) == CALLERS
    for one in found:
        assert answer.items() <= dict(one.get("error", one)).items()  # type: ignore[call-overload]
    # Both scale with the machine: a loop that is held answers once for three requests of the flood. Those of
    # nothing but brackets are refused at once.
    assert told >= least
