"""`omnicore plugins stub`: a typed Python client."""

from __future__ import annotations

from pathlib import Path

import click

from omnicore.cli.build_text import short_path
from omnicore.cli.options import Shell, common_and_file, folders, pass_shell
from omnicore.cli.output import Output
from omnicore.cli.subjects import find_subject
from omnicore.plugins.install import write_whole
from omnicore.toolchains.client import client_file, client_source


@click.command()
@click.argument("plugin", metavar="PLUGIN|FOLDER|FILE")
@folders
@common_and_file
@pass_shell
def stub(shell: Shell, plugin: str) -> None:
    """Write a typed Python client for a plugin: NAME_client.py, or the FILE of `-o FILE`; `-o -` prints it.

    \b
    from omnicore import Host
    from text_client import Text
    with Host(plugins="plugins") as host:
        Text(host).count_vowels("hello")["count"]
    """
    output = Output(shell)
    manifest = find_subject(shell, output, plugin).manifest
    source = client_source(manifest.name, manifest.version, manifest.functions)
    file = shell.out or Path(client_file(manifest.name))
    if str(file) == "-":
        click.echo(source, nl=False)
        return
    write_whole(file.absolute().parent, file.name, source.encode())
    words = f"Wrote {short_path(file)}: {len(manifest.functions)} functions of {manifest.name}"
    output.done(words, {"file": str(file), "plugin": manifest.name, "functions": [f.name for f in manifest.functions]})
