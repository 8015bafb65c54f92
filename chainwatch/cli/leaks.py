"""The command ``leaks``: whether what is to leave the desk gives away anybody who is masked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import chainwatch as cw
from chainwatch.cli.options import ReplaceOption
from chainwatch.cli.output import check_named, interruptible, say, write_csv
from chainwatch.progress import watched

LEAKED = 1
"""Status where something was found, or not all could be read or looked for."""


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(leaks)


def leaks(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="CASE", help="A disclosure, another folder or file, or a whole case."
        ),
    ],
    working: Annotated[
        Path | None,
        typer.Option("--working", help="The working edition: whom the disclosure masks."),
    ] = None,
    annex: Annotated[
        Path | None, typer.Option("--annex", help="The annex: pseudonyms and key.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="The mask key by itself.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Also write a row for each leak here.")] = None,
    replace: ReplaceOption = False,
) -> None:
    """Search every file for masked addresses, withheld transactions and keys, in every form.

    It tells file, place, kind and form, and never the thing itself. A whole case is searched in its
    disclosure, by the working edition and the annex that lie beside it. The status is 1 where
    something was found, or not all could be read or looked for.

    Example: chainwatch leaks out/otter
    """
    check_named(csv, replace=replace)
    with interruptible(), watched("searching"):
        found = cw.leaks(folder, working=working, annex=annex, key_file=key_file)
    say(repr(found))
    write_csv(csv, found.plain(), replace=replace)
    if not found.clean:
        raise typer.Exit(LEAKED)
