"""Whose histories a command reads: addresses, files of them, and extended public keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import chainwatch as cw
from chainwatch.cli.output import interruptible, note, show
from chainwatch.errors import InputError
from chainwatch.progress import watched

if TYPE_CHECKING:
    from chainwatch.addresses.bip32 import ExtendedKey
    from chainwatch.ingest.protocol import Source
    from chainwatch.ingest.report import PullReport
    from chainwatch.ingest.xpub import KeyAddresses

LONGEST_KEY_FILE = 10_000
"""Characters of a file with an extended key."""

LONGEST_LIST = 50_000_000
"""Bytes of a file of addresses."""

AddressesArgument = Annotated[
    list[str] | None, typer.Argument(help="Addresses; others of this machine can see them.")
]
AddressesFile = Annotated[
    Path | None, typer.Option("--addresses-file", help="File with an address a line.")
]
XpubFile = Annotated[
    Path | None, typer.Option("--xpub-file", help="File with an extended public key.")
]
XpubPrompt = Annotated[bool, typer.Option("--xpub", help="Ask for an extended public key.")]
GapOption = Annotated[
    int, typer.Option("--gap", help="Unused addresses in a row that end a branch of the key.")
]
KindOption = Annotated[
    list[str] | None,
    typer.Option("--kind", help="Script type of the key's addresses; may be repeated."),
]
BranchOption = Annotated[
    list[int] | None,
    typer.Option("--branch", help="Branch below the key; 0 and 1 if not given. -1: it is one."),
]


@dataclass(frozen=True)
class Subjects:
    """What was named on the command line; the key is never shown."""

    addresses: tuple[str, ...] = ()
    key: ExtendedKey | None = field(default=None, repr=False)
    gap: int = 20
    kinds: tuple[str, ...] | None = None
    branches: tuple[int, ...] | None = None

    @classmethod
    def of(
        cls, addresses: list[str] | None, addresses_file: Path | None, xpub_file: Path | None,
        xpub: bool, gap: int, kinds: list[str] | None, branches: list[int] | None,
    ) -> Subjects:  # fmt: skip
        """Read what the options name."""
        if xpub and xpub_file:
            raise InputError("--xpub and --xpub-file are both given", remedy="give one of them")
        named = tuple(addresses or ()) + (tuple(_listed(addresses_file)) if addresses_file else ())
        numbers = None if not branches else tuple(number for number in branches if number != -1)
        return cls(
            named, _key(xpub_file) if xpub or xpub_file else None, gap,
            tuple(kinds) if kinds else None, numbers,
        )  # fmt: skip

    def __bool__(self) -> bool:
        return bool(self.addresses or self.key)

    def wanted(self, ledger: Path, chain: str) -> tuple[list[bytes], KeyAddresses | None]:
        """Return the addresses to read, given what the ledger tells of the key's so far."""
        from chainwatch.addresses import canonical

        named = [canonical.parse(text, chain) for text in self.addresses]
        derived = self._derived(ledger, chain) if self.key else None
        return named + (derived.frame["address"].to_list() if derived else []), derived

    def _derived(self, ledger: Path, chain: str) -> KeyAddresses:
        from chainwatch.ingest.xpub import addresses_of_xpub
        from chainwatch.ledger.ledger import open_ledger

        if self.key is None:
            raise InputError("no extended key was given")
        used = open_ledger(ledger) if ledger.exists() else None
        return addresses_of_xpub(
            self.key, gap=self.gap, chain=chain, kinds=self.kinds, branches=self.branches, used=used
        )


def pull_subjects(
    ledger: Path, source: Callable[[list[bytes]], Source], subjects: Subjects, chain: str, *,
    follow: bool, every: float,
) -> None:  # fmt: skip
    """Pull what was named, tell what was added, and check the ledger.

    The addresses of an extended key are read until a whole gap of each branch was never paid.
    """
    from chainwatch.ingest.pull import pull

    if follow:
        _follow(ledger, source, subjects, chain, every)
        return
    before: list[bytes] | None = None
    while True:
        wanted, derived = subjects.wanted(ledger, chain)
        if wanted == before:
            break
        with interruptible():
            show(pull(ledger, source(wanted)))
        if derived is None:
            break
        before = wanted
    if derived is not None:
        show(derived)
    report = cw.check(cw.open_ledger(ledger))
    show(report)
    report.raise_for_failures()


def _follow(
    ledger: Path, source: Callable[[list[bytes]], Source], subjects: Subjects, chain: str,
    every: float,
) -> None:  # fmt: skip
    told: tuple[str, ...] = ()
    with watched("following") as lines:
        for report in _reports(ledger, source, subjects, chain, every, _teller(lines)):
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


def _reports(
    ledger: Path, source: Callable[[list[bytes]], Source], subjects: Subjects, chain: str,
    every: float, lines: Callable[[str], None] | None,
) -> Iterator[PullReport]:  # fmt: skip
    from chainwatch.ingest.sync import follow

    def made() -> Source:
        return source(subjects.wanted(ledger, chain)[0])

    return follow(ledger, made, every=every, progress=lines)


def _listed(path: Path) -> Iterator[str]:
    """Yield the addresses of a file: one a line; what follows a # is a remark."""
    try:
        with path.open("rb") as handle:
            data = handle.read(LONGEST_LIST + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise InputError(
            f"the list of addresses cannot be read ({error.strerror})", where=path.name
        ) from None
    except UnicodeDecodeError:
        raise InputError("the list of addresses is no text in UTF-8", where=path.name) from None
    if len(data) > LONGEST_LIST:
        raise InputError("the list of addresses is too long", where=path.name)
    found = [line.partition("#")[0].strip() for line in text.splitlines()]
    if not any(found):
        raise InputError("the list of addresses is empty", where=path.name)
    yield from filter(None, found)


def _key(path: Path | None) -> ExtendedKey:
    """Read an extended key from a file, or from a prompt that does not show it."""
    from chainwatch.addresses.bip32 import ExtendedKey

    if path is None:
        return ExtendedKey(typer.prompt("Extended public key", hide_input=True, err=True).strip())
    try:
        with path.open("rb") as handle:
            text = handle.read(LONGEST_KEY_FILE).decode("ascii")
    except OSError as error:
        raise InputError(
            f"the extended key cannot be read ({error.strerror})", where=path.name
        ) from None
    except UnicodeDecodeError:
        raise InputError("the file holds no extended key", where=path.name) from None
    return ExtendedKey(text.strip())
