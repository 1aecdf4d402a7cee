"""The record when something is in its way: a full disk, a request that is cut, a host that died."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.api.conftest import MANY, until
from tests.api.hosting import Served

from omnicore.storage.tables.audit import AuditEntry, AuditTable, Intent

STATE = "/api/v1/plugins/many/state"


def test_a_full_disk_refuses_the_change_before_it_is_made(tmp_path: Path) -> None:
    with Served(tmp_path, {"many.wat": MANY}) as served:
        store: Any = served.host.store
        with store.write() as session:
            pages = session.execute("PRAGMA page_count").fetchone()[0]
            session.execute(f"PRAGMA max_page_count = {pages}")
        states = ("disabled", "enabled") * 200
        answers = (served.client.put(STATE, json={"state": state}) for state in states)
        before, refused = "enabled", None
        for answer in answers:
            if answer.status_code != 200:
                refused = answer
                break
            before = answer.json()["state"]
        assert refused is not None
        assert (refused.status_code, refused.json()["code"]) == (507, "storage-failed")
        assert "full" in refused.json()["detail"]
        with store.write() as session:
            session.execute("PRAGMA max_page_count = 1000000")
        shown = served.client.get("/api/v1/plugins/many").json()["state"]
        # Either it was not begun, or it says that it was made and could not be recorded.
        assert (shown == before) is ("but not recorded" not in refused.json()["detail"])


def test_what_a_host_that_died_was_about_to_change_becomes_a_row(tmp_path: Path) -> None:
    with Served(tmp_path, {"many.wat": MANY}) as served:
        process = served.host.audit.process
    with Served(tmp_path / "again", {}, data=tmp_path / "data") as served:
        table = AuditTable(served.host.store)
        entry = AuditEntry(1.0, "ann", "session", "::1", "removePlugin", "plugin:x", outcome="unknown")
        table.intend(Intent("aud_1", process, 1.0, entry))
    with Served(tmp_path / "third", {}, data=tmp_path / "data") as served:
        until(lambda: not AuditTable(served.host.store).intents())
        (row,) = served.client.get("/api/v1/audit", params={"target": "plugin:x"}).json()["items"]
        assert (row["actor"], row["action"], row["outcome"]) == ("ann", "removePlugin", "unknown")


def test_a_request_that_is_cut_leaves_a_row_of_unknown_outcome(tmp_path: Path) -> None:
    with Served(tmp_path, {"many.wat": MANY}, request_timeout_s=0.3) as served:
        taken = served.host.plugins._changing  # somebody else changes plugins for longer than a request may take
        with taken:
            assert served.client.put(STATE, json={"state": "disabled"}).status_code == 504
        until(lambda: not AuditTable(served.host.store).intents())
        rows = served.client.get("/api/v1/audit", params={"target": "plugin:many"}).json()["items"]
        assert [(row["action"], row["outcome"]) for row in rows if row["via"] == "owner"] == [
            ("switchPlugin", "unknown")
        ]
