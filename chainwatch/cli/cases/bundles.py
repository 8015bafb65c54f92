"""Commands about bundles: ``bundle``, ``verify``, ``replay``, ``sign`` and ``timestamp``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from chainwatch.atomic import write_new
from chainwatch.cli.options import ReplaceOption
from chainwatch.cli.output import interruptible, note, say, show
from chainwatch.errors import InputError

PASSPHRASE = "CHAINWATCH_SECRET_SIGN"  # noqa: S105 - the name of a variable
DIFFERS = 1
"""Status where a bundle, computed again, is another."""


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(bundle)
    app.command()(verify)
    app.command()(replay)
    app.command()(sign)
    app.command()(timestamp)


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
    key: Annotated[
        Path | None, typer.Option("--sign", metavar="KEY.p12", help="Sign it with this key.")
    ] = None,
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
        if key is not None:
            cw.sign_bundle(to, key, _passphrase())
    show(made)


def _passphrase() -> str:
    """Return the passphrase of the key file: from the environment, or typed unseen."""
    found = os.environ.get(PASSPHRASE)
    return (
        found if found is not None else str(typer.prompt("Passphrase", hide_input=True, err=True))
    )


def sign(
    bag: Annotated[Path, typer.Argument(help="A bundle.")],
    key: Annotated[Path, typer.Option("--key", metavar="KEY.p12", help="Key and certificate.")],
) -> None:
    """Sign a bundle and the PDF in it; the bag itself stays as it is.

    The passphrase is asked for, or taken from CHAINWATCH_SECRET_SIGN.

    Example: chainwatch sign out/otter-bag --key me.p12
    """
    with interruptible("interrupted; nothing was signed"):
        import chainwatch as cw

        for path in cw.sign_bundle(bag, key, _passphrase()):
            say(f"written: {path}")


def timestamp(
    bag: Annotated[Path, typer.Argument(help="A bundle.")],
    request: Annotated[
        Path | None, typer.Option("--request", help="Write here what to ask an authority.")
    ] = None,
    answer: Annotated[
        Path | None, typer.Option("--answer", help="Put its answer beside the bundle.")
    ] = None,
) -> None:
    """Write what a time-stamping authority is to be asked, or take its answer. Nothing is sent.

    Example: chainwatch timestamp out/otter-bag --request otter.tsq
    """
    if (request is None) == (answer is None):
        raise InputError("one of two is wanted", remedy="give --request FILE, or --answer FILE")
    with interruptible():
        import chainwatch as cw

        if request is not None:
            write_new(request, cw.timestamp_request(bag))
            say(f"written: {request}; send it to an authority, then give its answer with --answer")
        if answer is not None:
            say(f"written: {cw.add_timestamp(bag, answer.read_bytes())}")


def verify(
    folder: Annotated[Path, typer.Argument(help="A written edition of a case, or a bundle.")],
    seal: Annotated[
        str | None, typer.Option(help="Digest noted when it was made, of the seal or the bundle.")
    ] = None,
    trust: Annotated[
        list[Path] | None,
        typer.Option("--trust", metavar="CERT.pem", help="Certificate that you trust; several."),
    ] = None,
    trust_time: Annotated[
        list[Path] | None,
        typer.Option(
            "--trust-time",
            metavar="CERT.pem",
            help="Certificate of an authority for timestamps that you trust; several.",
        ),
    ] = None,
) -> None:
    """Prove that a written case, or a bundle of one, is as it was made; offline.

    Example: chainwatch verify out/otter/disclosure
    """
    with interruptible():
        import chainwatch as cw

        show(cw.verify(folder, seal, trust=trust or (), trust_time=trust_time or ()))


def replay(
    bag: Annotated[Path, typer.Argument(help="A working bundle, or a disclosure opened.")],
    annex: Annotated[
        Path | None, typer.Option("--annex", help="Of a disclosure: the annex that was opened.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="Of a disclosure: the folder of the run.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Of a disclosure: the data of its case.")
    ] = None,
) -> None:
    """Compute every result of a bundle again, and name the first that differs; status 1 then.

    Example: chainwatch replay out/otter-bag
    """
    with interruptible():
        import chainwatch as cw

        found = cw.replay(bag, annex=annex, run=run, data=data, say=note)
    show(found)
    if not found.same:
        raise typer.Exit(DIFFERS)
