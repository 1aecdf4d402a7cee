"""`omnicore new`: a folder to start from."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omnicore.cli.config import trust_made
from omnicore.cli.options import Shell, common, pass_shell
from omnicore.cli.output import Output
from omnicore.errors import Conflict, InvalidInput, NotFound, OmniError, ToolMissing
from omnicore.toolchains.languages import kit, kit_files, missing_tool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable


@dataclass(frozen=True, slots=True)
class ProjectTemplate:
    """A template: `language` is that of a plugin, None for an app; `npm` is true if packages come from there."""

    language: str | None
    says: str
    steps: tuple[str, ...]
    npm: bool = False


_PLUGIN = ("cd {folder}", "omnicore build .", "omnicore plugins test .", "omnicore call {name}.shout hello")
TEMPLATES: Mapping[str, ProjectTemplate] = {
    "app": ProjectTemplate(
        None,
        "an application in Python with a plugin in WebAssembly text, its settings, a README",
        ("cd {folder}", "omnicore run", "omnicore run --try hello.greet=World"),
    ),
    "plugin-rust": ProjectTemplate("rust", "a plugin in Rust", _PLUGIN),
    "plugin-go": ProjectTemplate("go", "a plugin in Go, with the standard compiler", _PLUGIN),
    "plugin-js": ProjectTemplate("js", "a plugin in JavaScript; needs nothing but this package", _PLUGIN),
    "plugin-ts": ProjectTemplate("js", "a plugin in TypeScript", (_PLUGIN[0], "npm install", *_PLUGIN[1:]), npm=True),
    "plugin-python": ProjectTemplate("python", "a plugin in Python, as a component", _PLUGIN),
    "plugin-c": ProjectTemplate("c", "a plugin in C", _PLUGIN),
    "plugin-zig": ProjectTemplate("zig", "a plugin in Zig", _PLUGIN),
    "plugin-as": ProjectTemplate("assemblyscript", "a plugin in AssemblyScript", _PLUGIN),
}
_HIDDEN = {"gitignore": ".gitignore"}  # under its own name it would hide template files from tools
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_COMPILED = "__pycache__"  # pip compiles every Python file that it installs, templates too
_NEVER_COPIED = shutil.ignore_patterns("target", "node_modules", _COMPILED, "*_test.go", ".zig-cache")


def _list(ctx: click.Context, _option: click.Parameter, value: bool) -> None:
    """Shows the templates and ends the command."""
    if not value or ctx.resilient_parsing:
        return
    output = Output(ctx.ensure_object(Shell))
    if output.is_json:
        output.document({name: template.says for name, template in TEMPLATES.items()})
    else:
        output.rows(("template", "makes"), [(name, template.says) for name, template in TEMPLATES.items()])
    ctx.exit()


@click.command()
@click.argument("name", type=click.Path(path_type=Path))
@click.option(
    "-t",
    "--template",
    type=click.Choice(list(TEMPLATES)),
    metavar="TEMPLATE",
    default="app",
    show_default=True,
    help="What to make; see --list.",
)
@click.option("--list", is_flag=True, expose_value=False, callback=_list, help="Show the templates.")
@common
@pass_shell
def new(shell: Shell, name: Path, template: str) -> None:
    """Make the folder NAME with what a first plugin needs.

    \b
    app:           an application in Python with a plugin in WebAssembly text, its settings, a README
    plugin-rust|go|js|ts|python|c|zig|as:
                   a plugin in that language that builds and passes its test at once
    """
    if not _NAME.fullmatch(name.name):
        raise InvalidInput(
            f"{name.name!r} is no name for a plugin or app",
            remedy="use lower-case letters, digits and -, beginning with a letter",
        )
    if name.exists() and (not name.is_dir() or any(name.iterdir())):
        raise Conflict(f"{name} is there and not empty", remedy="take another name or empty it")
    chosen = TEMPLATES[template]
    source = files("omnicore.cli").joinpath("templates", template)
    if not source.is_dir():
        raise NotFound(f"the template {template} is not installed", remedy="install omnicore again")
    made = _copy(source, name, name.name)
    if chosen.language is not None:
        made += _copy_kit(chosen.language, name / "sdk")
    output = Output(shell)
    try:
        trust_made(name)
    except OmniError as error:  # no home folder, or one that cannot be written
        output.say(f"{name} is not on record as trusted: {error}", "yellow")
    steps = [step.format(folder=name, name=name.name) for step in chosen.steps]
    _tell(output, name, template, made, steps, _missing(chosen))


def _missing(template: ProjectTemplate) -> ToolMissing | None:
    if template.npm and shutil.which("npm") is None:
        return ToolMissing(
            "its packages come with npm, which is not here", remedy="pip install 'omnicore[js]'", tool="npm"
        )
    return missing_tool(template.language) if template.language else None


def _tell(
    output: Output, name: Path, template: str, made: list[str], steps: list[str], missing: ToolMissing | None
) -> None:
    document: dict[str, Any] = {"folder": str(name), "template": template, "files": made, "next": steps}
    if missing is not None:
        document["missing"] = missing.to_json()
    words = f"Made {name} with {len(made)} files. Next:\n" + "\n".join(f"  {step}" for step in steps)
    output.done(words, document)
    if missing is not None:
        output.say(f"Before that: {missing.fact}; install it:\n  {missing.remedy}", "yellow")


def _copy(source: Traversable, target: Path, name: str) -> list[str]:
    """Copies a template with `@name@` filled in, in file names too; returns what was written."""
    target.mkdir(parents=True, exist_ok=True)
    made = []
    for item in sorted((item for item in source.iterdir() if item.name != _COMPILED), key=lambda item: item.name):
        place = target / _HIDDEN.get(item.name, item.name).replace("@name@", name)
        if item.is_dir():
            made += _copy(item, place, name)
        else:
            place.write_text(item.read_text("utf-8").replace("@name@", name), "utf-8")
            made.append(str(place))
    return made


def _copy_kit(language: str, target: Path) -> list[str]:
    """Copies what a plugin carries of its language's kit; returns what was written."""
    return [place for path in kit_files(language) for place in _copied(kit(language) / path, target / path)]


def _copied(source: Path, target: Path) -> Iterator[str]:
    if not source.exists():
        raise NotFound(f"the kit lacks {source.name}", remedy="install omnicore again")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=_NEVER_COPIED)
        yield from (str(path) for path in sorted(target.rglob("*")) if path.is_file())
    else:
        shutil.copyfile(source, target)
        yield str(target)
