"""`omnicore new`: a folder to start from."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from omnicore.cli.options import Shell, common, pass_shell
from omnicore.cli.output import Output
from omnicore.errors import Conflict, InvalidInput

TEMPLATES = {
    "app": ("cd {folder}", "omnicore run --try hello.greet=World"),
    "plugin-c": ("cd {folder}", "sh build.sh", "omnicore call {name}.shout hello"),
}
_HIDDEN = {"gitignore": ".gitignore"}  # under its own name it would hide template files from tools
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


@click.command()
@click.argument("name", type=click.Path(path_type=Path))
@click.option("-t", "--template", type=click.Choice(list(TEMPLATES)), default="app", show_default=True)
@common
@pass_shell
def new(shell: Shell, name: Path, template: str) -> None:
    """Make the folder NAME with what a first plugin needs.

    \b
    app:      settings, a plugin in WebAssembly text that runs at once, a README
    plugin-c: a plugin in C with its manifest and the line that builds it
    """
    if not _NAME.fullmatch(name.name):
        raise InvalidInput(
            f"{name.name!r} is no name for a plugin or app",
            remedy="use lower-case letters, digits and -, beginning with a letter",
        )
    if name.exists() and (not name.is_dir() or any(name.iterdir())):
        raise Conflict(f"{name} is there and not empty", remedy="take another name or empty it")
    made = _copy(files("omnicore.cli").joinpath("templates", template), name, name.name)
    steps = [step.format(folder=name, name=name.name) for step in TEMPLATES[template]]
    Output(shell).done(
        f"Made {name} with {len(made)} files. Next:\n" + "".join(f"  {step}\n" for step in steps).rstrip("\n"),
        {"folder": str(name), "template": template, "files": made, "next": steps},
    )


def _copy(source: Traversable, target: Path, name: str) -> list[str]:
    """Copies a template with `@name@` filled in, in file names too; returns what was written."""
    target.mkdir(parents=True, exist_ok=True)
    made = []
    for item in sorted(source.iterdir(), key=lambda item: item.name):
        place = target / _HIDDEN.get(item.name, item.name).replace("@name@", name)
        if item.is_dir():
            made += _copy(item, place, name)
        else:
            place.write_text(item.read_text("utf-8").replace("@name@", name), "utf-8")
            made.append(str(place))
    return made
