"""The tables of `specs/abi.md`: what each door's functions take and give."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from sdk.generate.contract import ROOT, Contract, Door, Field, Type, Verb

__all__ = ["files"]

_PATH = "specs/abi.md"
_WORDS = {"integer": "whole number", "json": "any JSON value"}


def files(contract: Contract) -> dict[str, str]:
    """The page, with what stands between `<!-- made: NAME -->` and `<!-- end -->` made anew."""
    blocks = {door.name: _door(door) for door in (*contract.doors, *contract.verbless)} | {"errors": _errors(contract)}

    def filled(match: re.Match[str]) -> str:
        return f"{match[1]}\n{blocks.pop(match[2])}\n{match[3]}"

    page = (ROOT / _PATH).read_text(encoding="utf-8")
    page = re.sub(r"(<!-- made: (\w+) -->)\n.*?(<!-- end -->)", filled, page, flags=re.DOTALL)
    if blocks:
        raise ValueError(f"{_PATH} has no place for {', '.join(blocks)}: add `<!-- made: NAME -->` and `<!-- end -->`")
    return {_PATH: page}


def _door(door: Door) -> str:
    parts = []
    if door.scope:
        parts.append("\n".join(["| scope | type | default | |", "|---|---|---|---|", *map(_scope, door.scope)]))
    rows = ["| function | request | reply | |", "|---|---|---|---|", *(_verb(verb) for verb in door.verbs)]
    if door.verbs:
        parts.append("\n".join(rows))
    parts += _group("Requests:", [field for verb in door.verbs for field in verb.request])
    parts += _group("Replies:", [field for verb in door.verbs if not verb.record for field in verb.reply])
    for record in door.records:
        parts += _group(f"`{record.name}`: {record.doc}", record.fields)
    parts += [f"`{one.name}`: {one.doc} One of {', '.join(one.values)}." for one in door.enums]
    return "\n\n".join(part for part in parts if part)


def _group(head: str, fields: Iterable[Field]) -> list[str]:
    """A line for each field; one that several verbs take stands once."""
    lines = [f"- `{field.name}`, {_type(field.type, null=field.null)}: {field.doc}" for field in fields]
    return ["\n".join([head, "", *dict.fromkeys(lines)])] if lines else []


def _scope(field: Field) -> str:
    default = "required" if field.default is None else json.dumps(field.default)
    default = "by the limits" if field.default == "" else default
    return f"| `{field.name}` | {_type(field.type)} | {default} | {field.doc} |"


def _verb(verb: Verb) -> str:
    return f"| `{verb.function}` | {_shape(verb.request)} | {_reply(verb)} | {verb.doc} |"


def _shape(fields: tuple[Field, ...]) -> str:
    inner = ", ".join(f"{field.name}?" if field.optional else field.name for field in fields)
    return f"`{{{inner}}}`"


def _reply(verb: Verb) -> str:
    if verb.record is None:
        return _shape(verb.reply)
    return f"`{verb.record.name}`" + (", all its fields null where there is nothing" if verb.maybe else "")


def _type(kind: Type, *, null: bool = False) -> str:
    text = _WORDS.get(kind.kind, kind.kind)
    if kind.item is not None:
        text = f"list of {_type(kind.item)}" if kind.kind == "list" else "object"
        text += " of text" if kind.kind == "map" and kind.item.kind == "text" else ""
    if kind.name:
        text = f"`{kind.name}`"
    return f"{text} or null" if null and kind.kind != "json" else text


def _errors(contract: Contract) -> str:
    rows = ["| code | meaning |", "|---|---|", *(f"| `{code}` | {text} |" for code, text in contract.codes.items())]
    fields = [f"- `{field.name}`{'?' if field.optional else ''}: {field.doc}" for field in contract.error]
    return "\n".join([*rows, "", *fields])
