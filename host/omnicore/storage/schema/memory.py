"""What is remembered and where it came from."""

from __future__ import annotations

from omnicore.storage.schema.table import Statements, Step, Table

__all__ = ["STEP"]

# `sequence` of a space counts its changes. A new memory takes the next as its `seq`, and whatever changes a memory
# later stamps the next on `changed`: who keeps a copy in RAM asks for the rows that changed since. The upsert of the
# space comes first in every transaction, so on PostgreSQL too the changes of a space are seen in their order.
# Full text is kept by space: statistics of one plugin's words must not show in the scores of another. SQLite gets a
# table of its own for each space when the first memory comes, PostgreSQL has the space's number in every word.
STEP: Step = (
    Table(
        "memory_spaces",
        {
            "plugin": str,
            "number": int,
            "sequence": int,
            "purged": int,
            "dimensions": int,
            "consolidated": int,
        },
        pk="plugin",
        not_null=("number", "sequence", "purged", "dimensions", "consolidated"),
        unique=(("number",),),
    ),
    Table(
        "memory_tiers",
        {"plugin": str, "tier": int, "items": int, "bytes": int},
        pk=("plugin", "tier"),
        not_null=("items", "bytes"),
    ),
    Table(
        "memories",
        {
            "plugin": str,
            "seq": int,
            "id": str,
            "changed": int,
            "tier": int,
            "state": int,
            "text": str,
            "metadata": str,
            "importance": float,
            "judged": int,
            "session": str,
            "speaker": str,
            "created_at": float,
            "accessed_at": float,
            "hits": int,
            "expires_at": float,
            "valid_from": float,
            "valid_to": float,
            "pinned": int,
            "superseded_by": str,
            "hash": str,
            "writer": str,
            "call_id": str,
            "source": str,
            "given": bytes,
            "sense": bytes,
            "sense_by": str,
            "size": int,
        },
        pk=("plugin", "seq"),
        not_null=(
            *("id", "changed", "tier", "state", "text", "metadata", "importance", "judged", "created_at"),
            *("accessed_at", "hits", "pinned", "hash", "writer", "size"),
        ),
        indexes=(("plugin", "changed"),),
        unique=(("id",),),
    ),
    Table(
        "memory_edges",
        {"plugin": str, "src": str, "rel": str, "dst": str, "note": str, "made_at": float},
        pk=("plugin", "src", "rel", "dst"),
        not_null=("note", "made_at"),
        indexes=(("plugin", "dst"),),
    ),
    Statements(
        sqlite=(
            "CREATE UNIQUE INDEX memories_text ON memories (plugin, tier, hash) WHERE state < 2",
            "CREATE INDEX memories_expiry ON memories (expires_at) WHERE expires_at IS NOT NULL AND state < 2",
            "CREATE INDEX memories_dead ON memories (accessed_at) WHERE state = 2",
            "CREATE INDEX memories_waiting ON memories (state) WHERE state = 1",
            "CREATE INDEX memories_shared ON memories (writer, size) WHERE plugin = '@shared' AND state < 2",
        ),
        postgresql=(
            "CREATE UNIQUE INDEX memories_text ON memories (plugin, tier, hash) WHERE state < 2",
            "CREATE INDEX memories_expiry ON memories (expires_at) WHERE expires_at IS NOT NULL AND state < 2",
            "CREATE INDEX memories_dead ON memories (accessed_at) WHERE state = 2",
            "CREATE INDEX memories_waiting ON memories (state) WHERE state = 1",
            "CREATE INDEX memories_shared ON memories (writer, size) WHERE plugin = '@shared' AND state < 2",
            "CREATE TABLE memory_words (space BIGINT NOT NULL, seq BIGINT NOT NULL, words TSVECTOR NOT NULL,"
            " PRIMARY KEY (space, seq))",
            "CREATE INDEX memory_words_words ON memory_words USING GIN (words)",
        ),
    ),
)
