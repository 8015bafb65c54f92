"""The commands ``bundle``, ``verify`` and ``replay``: a case for others, checked, and run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainwatch.cli.options import ReplaceOption
from chainwatch.cli.output import interruptible, note, show

DIFFERS = 1
"""Status where a bundle, computed again, is another."""


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(bundle)
    app.command()(verify)
    app.command()(replay)


def bundle(
    folder: Annotated[Path, typer.Argument(help="Folder that run or demo wrote.")],
    to: Annotated[Path, typer.Option("--to", metavar="BAG", help="Folder to write.")],
    edition: Annotated[str, typer.Option(help="disclosure, or working.")] = "disclosure",
    recipient: Annotated[
        str, typer.Option(help="For whom it is: their pseudonyms are theirs alone.")
    ] = "",
    tlp: Annotated[
        str, typer.Option("--tlp", help="RED, AMBER+STRICT, AMBER, GREEN or CLEAR.")
    ] = "",
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the data that the case was run with.")
    ] = None,
    files: Annotated[
        bool, typer.Option("--files", help="Carry the input files in place of the ledger.")
    ] = False,
    largest: Annotated[
        int, typer.Option("--largest", min=1, help="Most MiB of chain data that are carried.")
    ] = 512,
    reason: Annotated[str, typer.Option(help="Why the working edition is handed out.")] = "",
    authority: Annotated[str, typer.Option(help="On whose authority.")] = "",
    replace: ReplaceOption = False,
) -> None:
    """Make a BagIt bag of one edition of a case, for others to check and to run again.

    Example: chainwatch bundle out/otter --to out/otter-bag
    """
    with interruptible("interrupted; no bundle was made"):
        import chainwatch as cw

        made = cw.bundle(
            folder, to, edition=edition, recipient=recipient, tlp=tlp, data=data, files=files,
            largest=largest * 2**20, reason=reason, authority=authority, replace=replace, say=note,
        )  # fmt: skip
    show(made)


def verify(
    folder: Annotated[Path, typer.Argument(help="A written edition of a case, or a bundle.")],
    seal: Annotated[
        str | None, typer.Option(help="Digest noted when it was made, of the seal or the bundle.")
    ] = None,
) -> None:
    """Prove that a written case, or a bundle of one, is as it was made; offline.

    Example: chainwatch verify out/otter/disclosure
    """
    with interruptible():
        import chainwatch as cw

        show(cw.verify(folder, seal))


def replay(
    bag: Annotated[Path, typer.Argument(help="A working bundle.")],
) -> None:
    """Compute every result of a bundle again, and name the first that differs; status 1 then.

    Example: chainwatch replay out/otter-bag
    """
    with interruptible():
        import chainwatch as cw

        found = cw.replay(bag, say=note)
    show(found)
    if not found.same:
        raise typer.Exit(DIFFERS)
