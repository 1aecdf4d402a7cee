"""Graphs by the digest of their document: made once, the last used ones kept."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from omnicore.errors import JournalMismatch, NotFound
from omnicore.workflows.document import compile_graph, digest_of
from omnicore.workflows.graph import Graph

__all__ = ["Graphs"]


class Graphs:
    """Belongs to one event loop; documents are read and compiled on threads, each once at a time.

    Args:
        load: the document of a digest as JSON text, blocking; None: there is none.
        most: graphs that are kept.
    """

    def __init__(self, load: Callable[[str], str | None], most: int) -> None:
        self._load, self._most = load, most
        self._kept: OrderedDict[str, Graph] = OrderedDict()
        self._making: dict[str, asyncio.Task[Graph]] = {}

    def at_hand(self, digest: str) -> Graph | None:
        """The graph, if it is kept."""
        graph = self._kept.get(digest)
        if graph is not None:
            self._kept.move_to_end(digest)
        return graph

    def add(self, graph: Graph) -> None:
        """Keeps a graph that was made elsewhere."""
        self._kept[graph.digest] = graph
        self._kept.move_to_end(graph.digest)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    async def get(self, digest: str) -> Graph:
        """The graph. Raises: NotFound. JournalMismatch: it was altered. WorkflowInvalid: this host cannot run it."""
        graph = self.at_hand(digest)
        if graph is not None:
            return graph
        making = self._making.get(digest)
        if making is None:
            making = self._making[digest] = asyncio.create_task(asyncio.to_thread(self._make, digest))
            making.add_done_callback(lambda _: self._making.pop(digest, None))
        graph = await asyncio.shield(making)
        self.add(graph)
        return graph

    def _make(self, digest: str) -> Graph:
        text = self._load(digest)
        if text is None:
            raise NotFound(
                f"the document {digest[:12]} of a run is gone", remedy="restore it from a backup", digest=digest
            )
        document: Mapping[str, Any] = json.loads(text)
        if digest_of(document) != digest:
            raise JournalMismatch(
                f"the document {digest[:12]} of a run was altered in the database",
                remedy="restore it from a backup, or begin a new run",
                digest=digest,
            )
        return compile_graph(document)
