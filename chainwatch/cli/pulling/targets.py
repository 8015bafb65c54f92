"""Whose histories a command reads, and the pulls that read them, one or without end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import chainwatch as cw
from chainwatch.cli.output import interruptible, note, show
from chainwatch.errors import InputError
from chainwatch.progress import watched

if TYPE_CHECKING:
    from chainwatch.ingest.protocol import Source
    from chainwatch.sources.subjects import MakeSource, Subjects

SUBJECT_OPTIONS: Mapping[str, tuple[object, object]] = {
    "addresses_file": (
        Annotated[
            Path | None, typer.Option("--addresses-file", help="File with an address a line.")
        ],
        None,
    ),
    "xpub_file": (
        Annotated[
            Path | None,
            typer.Option("--xpub-file", help="File with extended public keys or descriptors."),
        ],
        None,
    ),
    "xpub": (
        Annotated[
            bool,
            typer.Option("--xpub", help="Ask for an extended key or descriptor."),
        ],
        False,
    ),
    "gap": (
        Annotated[
            int,
            typer.Option("--gap", help="Unused addresses in a row that end a branch of the key."),
        ],
        20,
    ),
    "kinds": (
        Annotated[
            list[str] | None,
            typer.Option("--kind", help="Script type of the key's addresses; may be repeated."),
        ],
        None,
    ),
    "branches": (
        Annotated[
            list[int] | None,
            typer.Option(
                "--branch", help="Branch below the key; 0 and 1 if not given. -1: it is one."
            ),
        ],
        None,
    ),
}
"""Options of every source that reads histories, by parameter: what each is, and its default."""


def subjects_of(addresses: list[str] | None, given: Mapping[str, Any]) -> Subjects:
    """Return whose histories the options name; ask for a key where ``--xpub`` says so."""
    from chainwatch.sources.subjects import Subjects

    file, asked = given["xpub_file"], given["xpub"]
    if asked and file:
        raise InputError("--xpub and --xpub-file are both given", remedy="give one of them")
    return Subjects.of(
        addresses, given["addresses_file"], _keys(file) if asked or file else (),
        gap=given["gap"], kinds=given["kinds"], branches=given["branches"],
    )  # fmt: skip


def _keys(path: Path | None) -> tuple[Any, ...]:
    """Read keys or descriptors from a file, or one from a prompt that does not show it."""
    from chainwatch.addresses.descriptors import key_of
    from chainwatch.sources.subjects import read_keys

    if path is not None:
        return read_keys(path)
    asked = "Extended public key or descriptor"
    return (key_of(typer.prompt(asked, hide_input=True, err=True).strip()),)


def pull_subjects(ledger: Path, source: MakeSource, subjects: Subjects, chain: str) -> None:
    """Pull what was named, tell what was added, and check the ledger."""
    from chainwatch.sources.subjects import pull_histories

    with interruptible():
        for report in pull_histories(ledger, source, subjects, chain):
            show(report)
    with interruptible("interrupted while the ledger was checked; all that was read is kept"):
        checked = cw.check(cw.open_ledger(ledger))
    show(checked)
    checked.raise_for_failures()


def follow_subjects(
    ledger: Path, source: MakeSource, subjects: Subjects, chain: str, every: float
) -> None:
    """Pull again and again until Ctrl-C is pressed; what adds nothing new is not told."""
    from chainwatch.ingest.sync import follow

    def made() -> Source:
        return source(subjects.wanted(ledger, chain)[0])

    told: tuple[str, ...] = ()
    with watched("following") as lines:
        for report in follow(ledger, made, every=every, progress=_teller(lines)):
            if report.commits or report.notes != told:
                show(report)
            told = report.notes


def _teller(lines: Callable[[str], None] | None) -> Callable[[str], None]:
    """Return what shows progress to whoever looks, and tells everybody of a server that fails."""

    from chainwatch.ingest.sync import AGAIN

    def tell(line: str) -> None:
        if AGAIN in line:
            note(line)
        elif lines is not None:
            lines(line)

    return tell
