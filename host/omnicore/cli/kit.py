"""`omnicore kit`: typed code for plugins that call the doors of an application."""

from __future__ import annotations

from pathlib import Path

import click

from omnicore.cli.options import Shell, common, pass_shell
from omnicore.cli.output import Output, short_path
from omnicore.plugins.folder import write_whole
from omnicore.toolchains.application_kit import application_at, kit_files, languages_named


@click.command()
@click.argument("application", metavar="MODULE:NAME")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("sdk"),
    show_default=True,
    help="Folder for the kits, with one for each language.",
)
@click.option("-l", "--language", "words", multiple=True, help="rust, go, js or ts; several with commas. Default: all.")
@common
@pass_shell
def kit(shell: Shell, application: str, folder: Path, words: tuple[str, ...]) -> None:
    """Write typed kits for the doors that an application declares with `@host.door`, and a page about them.

    The module is imported, so its code runs. Files of an earlier kit are replaced.
    """
    output = Output(shell)
    languages = languages_named(words)
    files = kit_files(application_at(application, Path.cwd()), languages)
    for path, text in files.items():
        place = folder / path
        write_whole(place.parent, place.name, text.encode())
    told = {"folder": str(folder), "files": sorted(files)}
    output.done(f"Wrote {len(files)} files to {short_path(folder)}: {', '.join(languages)}", told)
