"""What breaks plugins that were built with an earlier kit of an application's doors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sdk.generate.contract import Door, Field, Type, Verb

__all__ = ["breaches"]

_TAKEN = {("signed", "number"), ("enum", "text")}  # what plugins give may become wider, what they get narrower


def breaches(before: Sequence[Door], after: Sequence[Door]) -> list[str]:
    """The changes that break plugins built for `before`, each with its place."""
    now = {door.name: door for door in after}
    found = [one for door in before for one in _door(door, now.get(door.name))]
    return list(dict.fromkeys(found))


def _door(old: Door, new: Door | None) -> Iterator[str]:
    verbs = {verb.function: verb for verb in new.verbs} if new is not None else {}
    for verb in old.verbs:
        now = verbs.get(verb.function)
        if new is None or now is None:
            yield f"{old.name}.{verb.name} is gone, which plugins import as {verb.function}"
            continue
        yield from _verb(f"{old.name}.{verb.name}", _Sides(old, new), verb, now)


@dataclass(frozen=True, slots=True)
class _Sides:
    """A door as it was and as it is, with the records and enums by name."""

    old: Door
    new: Door

    def fields(self, name: str, now: str) -> tuple[Sequence[Field], Sequence[Field]]:
        sides = ((self.old, name), (self.new, now))
        old, new = (next(one.fields for one in door.records if one.name == wanted) for door, wanted in sides)
        return old, new

    def values(self, name: str, now: str) -> tuple[set[str], set[str]]:
        sides = ((self.old, name), (self.new, now))
        old, new = (set(next(one.values for one in door.enums if one.name == wanted)) for door, wanted in sides)
        return old, new


def _verb(place: str, sides: _Sides, old: Verb, new: Verb) -> Iterator[str]:
    yield from _fields(f"the request of {place}", sides, old.request, new.request, given=True)
    yield from _fields(f"the reply of {place}", sides, old.reply, new.reply, given=False)


def _fields(place: str, sides: _Sides, old: Sequence[Field], new: Sequence[Field], *, given: bool) -> Iterator[str]:
    """The breaches of a record. Args: given: plugins give it; else they get it."""
    now: Mapping[str, Field] = {field.name: field for field in new}
    for field in old:
        path = f"`{field.name}` of {place}"
        if field.name not in now:
            yield f"{path} is gone"
            continue
        one = now[field.name]
        if given and field.optional and not one.optional:
            yield f"{path} may not be left out any more"
        if given and field.null and not one.null and one.type.kind != "json":
            yield f"{path} may not be null any more"
        if not given and one.null and not field.null and field.type.kind != "json":
            yield f"{path} may be null now"
        yield from _types(path, sides, field.type, one.type, given=given)
    known = {field.name for field in old}
    if given:
        yield from (f"`{one.name}` of {place} is new and needed" for one in new if one.name not in known | _left(new))


def _left(fields: Sequence[Field]) -> set[str]:
    return {field.name for field in fields if field.optional}


def _types(place: str, sides: _Sides, old: Type, new: Type, *, given: bool) -> Iterator[str]:
    wide, narrow = (new, old) if given else (old, new)
    if wide.kind == "json" or (narrow.kind, wide.kind) in _TAKEN:
        return
    if old.kind != new.kind:
        yield f"{place} was {_shown(old)} and is {_shown(new)}"
    elif old.item is not None and new.item is not None:
        yield from _types(f"the items of {place}", sides, old.item, new.item, given=given)
    elif old.kind == "record":
        yield from _fields(place, sides, *sides.fields(old.name, new.name), given=given)
    elif old.kind == "enum":
        was, now = sides.values(old.name, new.name)
        for value in sorted(was - now if given else now - was):
            yield f"{place} " + (f"may not be `{value}` any more" if given else f"may be `{value}` now")


def _shown(kind: Type) -> str:
    return {"signed": "integer"}.get(kind.kind, kind.kind)
