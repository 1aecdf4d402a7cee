"""Collections and their vectors."""

from __future__ import annotations

from omnicore.storage.schema.table import Statements, Step, Table

__all__ = ["STEP"]

# A vector's row never changes: writing an id again deletes its row and adds one with a new `seq`, so that `seq`
# names one vector for ever and an index that knows a `seq` knows its values. `vector_deaths` tells other processes
# which of them are gone. Tags are hashes of one metadata member each, `[key, value]`.
# The long column comes last: what is read of every match lies before it, on the row's first page.
STEP: Step = (
    Table(
        "vector_collections",
        {
            "key": int,
            "owner": str,
            "name": str,
            "dimensions": int,
            "metric": str,
            "seq": int,
            "purged": int,
            "live": int,
            "created_at": float,
        },
        pk="key",
        not_null=("owner", "name", "dimensions", "metric", "seq", "purged", "live", "created_at"),
        unique=(("owner", "name"),),
    ),
    Table(
        "vectors",
        {"collection": int, "seq": int, "id": str, "metadata": str, "vector": bytes},
        pk=("collection", "seq"),
        not_null=("id", "vector", "metadata"),
        unique=(("collection", "id"),),
    ),
    Table("vector_totals", {"owner": str, "vectors": int, "collections": int}, pk="owner"),
    Statements(
        sqlite=(
            "CREATE TABLE vector_tags (collection INTEGER NOT NULL, tag INTEGER NOT NULL, seq INTEGER NOT NULL,"
            " PRIMARY KEY (collection, tag, seq)) WITHOUT ROWID",
            "CREATE TABLE vector_deaths (collection INTEGER NOT NULL, seq INTEGER NOT NULL, gone INTEGER NOT NULL,"
            " PRIMARY KEY (collection, seq, gone)) WITHOUT ROWID",
        ),
        postgresql=(
            "CREATE TABLE vector_tags (collection BIGINT NOT NULL, tag BIGINT NOT NULL, seq BIGINT NOT NULL,"
            " PRIMARY KEY (collection, tag, seq))",
            "CREATE TABLE vector_deaths (collection BIGINT NOT NULL, seq BIGINT NOT NULL, gone BIGINT NOT NULL,"
            " PRIMARY KEY (collection, seq, gone))",
        ),
    ),
)
