"""`omnicore config show`: the settings, and where each comes from."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import click

from omnicore.cli.options import Shell, host_folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.session import loaded
from omnicore.config.entry import leaves
from omnicore.config.forms import origin_of
from omnicore.config.loader import SCHEMA, Loaded
from omnicore.config.settings import Settings
from omnicore.errors import NotFound

__all__ = ["show", "shown"]


@click.command()
@click.argument("name", required=False)
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@click.option("--doc", is_flag=True, help="Say what each setting is for.")
@host_folders
@pass_shell
def show(shell: Shell, name: str | None, *, origin: bool, doc: bool) -> None:
    """Show the settings, or those under NAME, such as `limits`; secrets are masked."""
    found = loaded(shell)
    output = Output(shell)
    rows = _rows(found, name)
    if output.is_json:
        output.document(_document(rows, found, origin=origin))
        return
    heads = ["setting", "value", *(["origin"] if origin else []), *(["meaning"] if doc else [])]
    output.rows(
        heads,
        [
            [
                dotted,
                shown(value),
                *([origin_of(found, dotted)] if origin else []),
                *([_doc(dotted)] if doc else []),
            ]
            for dotted, value in rows.items()
        ],
    )


def _rows(found: Loaded, name: str | None) -> dict[str, Any]:
    values = {".".join(path): value for path, value in leaves(found.settings.to_json())}
    if name is None:
        return values
    rows = {dotted: value for dotted, value in values.items() if f"{dotted}.".startswith(f"{name}.")}
    if not rows:
        raise NotFound(f"there is no setting {name}", remedy="see `omnicore config show`")
    return rows


def _document(rows: dict[str, Any], found: Loaded, *, origin: bool) -> dict[str, Any]:
    if not origin:
        return rows
    return {name: {"value": value, "origin": origin_of(found, name)} for name, value in rows.items()}


def shown(value: Any) -> str:
    """A value as a line shows it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _doc(name: str) -> str:
    leaf = SCHEMA.get(tuple(name.split(".")))
    if leaf is not None:
        return leaf.doc
    return next((spec.metadata["doc"] for spec in fields(Settings) if spec.name == name.partition(".")[0]), "")
