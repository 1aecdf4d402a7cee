"""Features that can be off: what leans on them goes off with them and comes back with them, and fallbacks step in."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from omnicore.errors import Conflict, NotFound, Unavailable
from omnicore.resilience.breaker import counts_as_failure

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class FeatureInfo:
    """A feature as it is now. `reason` says why it is off, with the feature that took it along."""

    name: str
    description: str
    enabled: bool
    reason: str
    needs: tuple[str, ...]
    has_fallback: bool
    fallbacks_used: int


@dataclass(slots=True)
class _Feature:
    description: str
    fallback: Callable[..., Any] | None
    needs: tuple[str, ...]
    off: str | None = None  # why somebody switched it off; what it needs may be off besides
    used: int = 0


class Degradation:
    """The features of a host. Usable from any thread.

    A feature is on when nobody switched it off and all it needs are on. So switching one off takes those along
    that lean on it, and switching it on brings back just those that were off for no other reason.

    Args:
        changed: told the names of features that went on or off, outside of any lock.
    """

    def __init__(self, changed: Callable[[str, bool, str], None] | None = None) -> None:
        self._changed = changed
        self._lock = threading.Lock()
        self._features: dict[str, _Feature] = {}
        self._down: dict[str, str] = {}  # features that are off, with the reason: what `enabled` looks up

    def register(
        self,
        name: str,
        description: str = "",
        *,
        fallback: Callable[..., Any] | None = None,
        needs: Iterable[str] = (),
    ) -> None:
        """Adds a feature, on. Raises: Conflict: the name is taken; NotFound: something it needs is not there."""
        with self._lock:
            if name in self._features:
                raise Conflict(f"there is a feature {name} already", remedy="take another name")
            wanted = tuple(needs)
            for one in wanted:
                self._feature(one)
            self._features[name] = _Feature(description, fallback, wanted)
            changes = self._settle()
        self._tell(changes)

    def set_fallback(self, name: str, fallback: Callable[..., Any]) -> None:
        """Sets what steps in for a feature; it is called with the arguments of the work. Raises: NotFound."""
        with self._lock:
            self._feature(name).fallback = fallback

    def add_dependency(self, name: str, needs: str) -> None:
        """Lets a feature lean on another. Raises: NotFound; Conflict: they would lean on each other."""
        with self._lock:
            feature = self._feature(name)
            if name in self._leans_on(needs):
                raise Conflict(f"{needs} needs {name} already", remedy="features cannot need each other")
            feature.needs = tuple(dict.fromkeys((*feature.needs, needs)))
            changes = self._settle()
        self._tell(changes)

    def disable(self, *names: str, reason: str = "switched off") -> None:
        """Switches features off, and all that lean on them. Raises: NotFound, before anything changed."""
        self._switch(names, reason)

    def enable(self, *names: str) -> None:
        """Switches features on; those stay off that need another which is off. Raises: NotFound."""
        self._switch(names, None)

    def enabled(self, name: str) -> bool:
        """True if a feature is on. Raises: NotFound."""
        if name in self._down:
            return False
        if name not in self._features:
            self._feature(name)
        return True

    def info(self, name: str) -> FeatureInfo:
        """One feature. Raises: NotFound."""
        with self._lock:
            return self._info(name, self._feature(name))

    def features(self) -> list[FeatureInfo]:
        """All features, in the order they were registered."""
        with self._lock:
            return [self._info(name, feature) for name, feature in self._features.items()]

    def clear(self) -> None:
        """Forgets all features."""
        with self._lock:
            self._features.clear()
            self._down.clear()

    def run(self, name: str, work: Callable[..., _T], *arguments: Any) -> _T:
        """The result of `work`, or of the fallback when the feature is off or `work` fails.

        Raises: Unavailable: the feature is off and has no fallback; what `work` raises, when it has none.
        """
        if self.enabled(name):
            try:
                return work(*arguments)
            except Exception as error:
                if not counts_as_failure(error) or self._features[name].fallback is None:
                    raise
        result: _T = self._fallback(name)(*arguments)
        return result

    async def run_async(self, name: str, work: Callable[..., Awaitable[_T]], *arguments: Any) -> _T:
        """`run` for coroutine functions; the fallback may be one or not."""
        if self.enabled(name):
            try:
                return await work(*arguments)
            except Exception as error:
                if not counts_as_failure(error) or self._features[name].fallback is None:
                    raise
        result: Any = self._fallback(name)(*arguments)
        if hasattr(result, "__await__"):
            result = await result
        return result  # type: ignore[no-any-return]

    # -- inner parts

    def _feature(self, name: str) -> _Feature:
        try:
            return self._features[name]
        except KeyError:
            raise NotFound(f"there is no feature {name}", remedy="register it first") from None

    def _leans_on(self, name: str) -> set[str]:
        """The feature and everything it needs, directly or not."""
        found: set[str] = set()
        todo = [name]
        while todo:
            one = todo.pop()
            if one not in found:
                found.add(one)
                todo.extend(self._feature(one).needs)
        return found

    def _switch(self, names: tuple[str, ...], off: str | None) -> None:
        with self._lock:
            for feature in [self._feature(name) for name in names]:
                feature.off = off
            changes = self._settle()
        self._tell(changes)

    def _settle(self) -> list[tuple[str, bool, str]]:
        """Works out which features are off; returns what changed."""
        down = {name: feature.off for name, feature in self._features.items() if feature.off is not None}
        todo = list(down)
        while todo:
            cause = todo.pop()
            for name, feature in self._features.items():
                if name not in down and cause in feature.needs:
                    down[name] = f"{cause} is off: {down[cause]}"
                    todo.append(name)
        old, self._down = self._down, down
        gone = [(name, False, reason) for name, reason in down.items() if name not in old]
        return gone + [(name, True, "") for name in old if name not in down and name in self._features]

    def _fallback(self, name: str) -> Callable[..., Any]:
        feature = self._feature(name)
        if feature.fallback is None:
            raise Unavailable(
                f"{name} is off ({self._down.get(name, 'it failed')}) and nothing steps in for it",
                remedy="try again when it is back",
            )
        feature.used += 1
        return feature.fallback

    def _info(self, name: str, feature: _Feature) -> FeatureInfo:
        return FeatureInfo(
            name,
            feature.description,
            name not in self._down,
            self._down.get(name, ""),
            feature.needs,
            feature.fallback is not None,
            feature.used,
        )

    def _tell(self, changes: list[tuple[str, bool, str]]) -> None:
        if self._changed is not None:
            for change in changes:
                self._changed(*change)
