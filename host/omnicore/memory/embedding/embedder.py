"""What turns texts into vectors, and what happens when it fails: memories are then found by their words."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from omnicore.errors import InvalidSetting, OmniError, Unavailable
from omnicore.memory.embedding.minilm import MiniLM, installed_model
from omnicore.memory.embedding.static import StaticEmbedder
from omnicore.resilience.breaker import Breaker
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Embedder", "FunctionEmbedder", "Sense", "embedder_named"]

_log = logging.getLogger(__name__)
_MOST_DIMENSIONS = 4096

Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]


class Embedder(Protocol):
    """Texts into vectors of one space, which `name` names: vectors of different names are never compared."""

    @property
    def name(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """A row for each text; zeros for one without meaning. May be called from any thread and raise anything."""


class FunctionEmbedder:
    """An embedder somewhere else: a connector's model, or a function of a plugin."""

    def __init__(self, name: str, embed: Embed) -> None:
        self.name = name
        self._embed = embed

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """See `Embedder`."""
        return np.asarray(self._embed(texts), np.float32)


def embedder_named(setting: str, outside: Callable[[str, str], Embed] | None = None) -> Embedder | None:
    """The embedder of the setting `memory.embedder`; None for `none`.

    Args:
        outside: makes the function behind `connector:NAME` or `plugin:PLUGIN.FUNCTION`, from the two parts.

    Raises: InvalidSetting; ToolMissing: the model's package is not installed.
    """
    if setting == "none":
        return None
    if setting == "static":
        return StaticEmbedder()
    if setting == "minilm":
        return MiniLM(installed_model())
    kind, _, name = setting.partition(":")
    if kind in ("connector", "plugin") and name and outside is not None:
        return FunctionEmbedder(setting, outside(kind, name))
    raise InvalidSetting(
        f"memory.embedder cannot be {setting[:80]!r}",
        remedy="use static, minilm, none, connector:NAME or plugin:PLUGIN.FUNCTION",
    )


class Sense:
    """An embedder behind a breaker: `of` gives vectors, or nothing and says why in `problem`."""

    def __init__(self, embedder: Embedder | None, breaker: Breaker | None = None) -> None:
        self._embedder = embedder
        self._breaker = breaker or Breaker()
        self._lock = threading.Lock()
        self.name = embedder.name if embedder else None
        self.problem: str | None = None

    def of(self, texts: Sequence[str]) -> npt.NDArray[np.float32] | None:
        """Unit vectors of the texts, zeros for those without meaning; None while the embedder fails."""
        if self._embedder is None or not texts:
            return None
        if not self._breaker.allow():
            return None
        try:
            found = _checked(self._embedder.embed(texts), len(texts))
        except Exception as error:  # strangers' code and networks: whatever it is, recall goes on without
            self._breaker.failure()
            with self._lock:
                self.problem = error.fact if isinstance(error, OmniError) else f"{type(error).__name__}: {error}"
            _log.warning("embedder %s failed: %s", self.name, self.problem)
            return None
        self._breaker.success()
        if self.problem is not None:
            with self._lock:
                self.problem = None
        return found


def _checked(found: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.float32]:
    if found.ndim != 2 or len(found) != count or not 0 < found.shape[1] <= _MOST_DIMENSIONS:
        raise Unavailable(f"the embedder answered with the shape {found.shape} to {count} texts")
    if not np.isfinite(found).all():
        raise Unavailable("the embedder answered with what is no number")
    lengths = np.sqrt((found.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
    return np.asarray(np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 1e-30), np.float32)
