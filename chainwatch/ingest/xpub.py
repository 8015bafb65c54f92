"""A seized key or descriptor to the addresses it stands for, without ever showing the key.

Whoever holds an extended public key sees every payment of a wallet, past and to come: it is shown
nowhere, only its fingerprint. A private key spends the coins: it is refused, and never repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.addresses.bip32 import ExtendedKey
from chainwatch.addresses.descriptors import Branch, Descriptor, branch_of, key_of
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import InputError
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Result, recorded
from chainwatch.results.table import (
    CHAIN,
    Column,
    Rows,
    Table,
)

KINDS = ("p2pkh", "p2sh-p2wpkh", "p2wpkh", "p2tr")
"""Script types of one key: BIP 44, BIP 49, BIP 84, BIP 86."""

MOST_ADDRESSES = 100_000
"""Addresses of one branch; a wallet with more is none that a person keeps."""

LONGEST_GAP = 10_000

Used = Ledger | Callable[[bytes], bool]
"""Where it is looked up whether an address was ever paid."""

WalletKey = ExtendedKey | Descriptor
"""What names the addresses of a wallet."""

_HARDENED = 1 << 31
_DEEPEST = 255
_LARGEST_STEP = 512


DERIVED = Table(
    "addresses",
    ("chain", "kind", "path"),
    "The addresses of an extended key.",
    (
        CHAIN,
        Column.kind("kind", "script type"),
        Column.text("path", "path below the key"),
        Column.number("index", "number of the address in its branch"),
        Column.flag("change", "is it of the branch for change"),
        Column.party("address", "the address"),
        Column.text("text", "the address as people write it"),
        Column.flag("used", "was it ever paid; null where nobody was asked"),
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class KeyAddresses(Result):
    """The addresses of an extended key.

    Attributes
    ----------
    frame : polars.DataFrame
        ``chain, kind, path, index, change, address, text, used``: path below the key, canonical
        bytes and text of each address; ``used`` is null where nobody was asked.
    key : str
        Fingerprint of the key.
    gap : int
        Unused addresses in a row at which a branch was left.
    """

    frame: pl.DataFrame
    key: str
    gap: int

    @property
    def lacks(self) -> str:
        """Say which addresses of the wallet are not covered, where a branch of it was not named."""
        change = self.frame["change"]
        if change.is_empty() or (change.any() and not change.all()):
            return ""
        if change.all():
            return "only a branch for change is named: addresses for receiving are not covered"
        return "no branch for change is named: addresses that got its change are not covered"

    def tables(self) -> Mapping[str, Rows]:
        """Return the addresses."""
        return {"addresses": DERIVED.rows(self.frame)}

    def __repr__(self) -> str:
        used = self.frame["used"]
        seen = "" if used.null_count() else f", {used.sum():,} of them used"
        lacks = f"; {self.lacks}" if self.lacks else ""
        return f"KeyAddresses({self.frame.height:,} of key {self.key}{seen}, gap {self.gap}{lacks})"


def addresses_of_xpub(
    key: str | WalletKey, *, gap: int = 20, chain: Chain | str = "btc",
    kinds: Sequence[str] | None = None, used: Used | None = None,
    branches: Sequence[int] | None = None,
) -> KeyAddresses:  # fmt: skip
    """Derive the addresses of a wallet from its extended public key or output descriptor.

    Each branch is followed until ``gap`` addresses in a row were never paid, as wallets do when
    they are restored; all of these are in the result too. The record of the result names the key
    by its fingerprint.

    Parameters
    ----------
    key : str, ExtendedKey or Descriptor
        An extended public key; an output descriptor, which names script type, keys and branches;
        or a key with its origin, which names the script type.
    gap : int
        Unused addresses in a row after which a branch is left; 20 by BIP 44.
    chain : Chain or str
        Chain, alias or CAIP-2 id.
    kinds : sequence of str, optional
        Script types out of :data:`KINDS`; what the version bytes name, if not given.
    used : Ledger or callable, optional
        A ledger, whose outputs say which addresses were paid, or a function of canonical address
        bytes. Without it the first ``gap`` addresses of each branch are derived.
    branches : sequence of int, optional
        Child numbers below the key, 0 for receiving and 1 for change; empty if the key is itself
        a branch. Both, if not given.

    Returns
    -------
    KeyAddresses
        In the order of kinds, branches and indices.

    Raises
    ------
    InputError
        If the key is refused or of another chain, a kind is unknown or not of the chain, the key
        may itself be a branch and ``branches`` is not given, or they contradict a descriptor.

    Fails when
    ----------
    Many wallets write an xpub whatever script type they use: an empty result for the named type
    says little, so try all ``kinds``. A descriptor, as a wallet writes it for one branch alone,
    covers no other: its result says so. Wallets that skip more addresses than ``gap`` hide what
    comes after. An address in no output of the ledger may have been paid in a block not read.

    References
    ----------
    BIP 32, BIP 44, BIP 49, BIP 84, BIP 86, BIP 380 to 389, SLIP-132.
    """
    held = key if isinstance(key, ExtendedKey | Descriptor) else key_of(key)
    return _derive(held, gap=gap, chain=chain_of(chain), kinds=kinds, used=used, branches=branches)


def _derived(
    key: WalletKey, *, gap: int, chain: Chain, kinds: Sequence[str] | None,
    used: Used | None, branches: Sequence[int] | None,
) -> KeyAddresses:  # fmt: skip
    key.check_chain(chain)
    if isinstance(gap, bool) or not isinstance(gap, int) or not 1 <= gap <= LONGEST_GAP:
        raise InputError(f"{gap!r} is no gap", remedy=f"give a number from 1 to {LONGEST_GAP:,}")
    rows: list[dict[str, object]] = []
    for branch in _branches(key, chain, kinds, branches):
        rows += _follow(branch, gap, chain, used)
    return KeyAddresses(
        pl.DataFrame(rows, schema=DERIVED.schema, orient="row"), key.fingerprint, gap
    )


_derived.__name__ = "addresses_of_xpub"  # what the record calls the step
_derive = recorded(_derived)


def _branches(
    key: WalletKey, chain: Chain, kinds: Sequence[str] | None, branches: Sequence[int] | None
) -> list[Branch]:
    """Return the branches to follow, by kind."""
    if kinds is not None:
        _check_kinds(kinds, chain)
    wanted = tuple(dict.fromkeys((key.kind,) if kinds is None else kinds))
    if isinstance(key, Descriptor):
        if key.account is None:
            return [
                replace(branch, kind=kind)
                for kind in _stated(key, chain, wanted)
                for branch in key.branches(_below(key, branches))
            ]
        key = key.account
    _check_kinds(wanted, chain)
    return [branch_of(key, kind, numbers) for kind in wanted for numbers in _paths(key, branches)]


def _stated(key: Descriptor, chain: Chain, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the kinds of a descriptor; refuse others than its function names."""
    if key.form != "key" and wanted != (key.kind,):
        raise InputError(
            f"the descriptor names the script type {key.kind}, and another is asked for",
            remedy="leave the kind out",
        )
    if key.kind not in ("p2pkh", "p2sh") and not chain.hrp:
        raise InputError(f"{chain.name} has no addresses of the type {key.kind}",
                         remedy="check the chain")  # fmt: skip
    return wanted


def _below(key: Descriptor, branches: Sequence[int] | None) -> list[tuple[int, ...]] | None:
    """Return the paths below a descriptor that names none itself; None where it does."""
    if not key.open:
        if branches is not None:
            raise InputError(
                "the descriptor names its branches, and others are asked for",
                remedy="leave the branches out",
            )
        return None
    if branches is None:
        raise InputError(
            "the descriptor does not say which addresses of its key are the wallet's",
            remedy="write /<0;1>/* behind the key, or name the branches 0 and 1",
        )
    _check_numbers(branches)
    return [(number,) for number in dict.fromkeys(branches)] or [()]


def _check_kinds(kinds: Sequence[str], chain: Chain) -> None:
    for kind in kinds:
        if kind not in KINDS:
            raise InputError("an unknown script type", remedy=f"choose among {', '.join(KINDS)}")
        if kind != "p2pkh" and not chain.hrp:
            raise InputError(
                f"{chain.name} has no addresses of the type {kind}", remedy="choose p2pkh"
            )
    if not kinds:
        raise InputError("no script type is given", remedy=f"choose among {', '.join(KINDS)}")


def _paths(key: ExtendedKey, branches: Sequence[int] | None) -> list[tuple[int, ...]]:
    if branches is None and key.depth and key.child < _HARDENED:
        raise InputError(
            f"the key at depth {key.depth} has the child number {key.child}, as a branch of a "
            "wallet has, so where its addresses lie is not certain",
            remedy="pass branches=() if it is a branch, or branches=(0, 1) if it is an account",
        )
    numbers = (0, 1) if branches is None else tuple(dict.fromkeys(branches))
    _check_numbers(numbers)
    paths: list[tuple[int, ...]] = [(number,) for number in numbers] or [()]
    if key.depth + len(paths[0]) + 1 > _DEEPEST:
        raise InputError(
            f"nothing can be derived below a key at depth {key.depth}",
            remedy="give the key of an account or a branch",
        )
    return paths


def _check_numbers(branches: Sequence[int]) -> None:
    if not all(isinstance(number, int) and 0 <= number < _HARDENED for number in branches):
        raise InputError(
            "a branch is a child number from 0 to 2,147,483,647",
            remedy="give 0 for receiving and 1 for change",
        )


def _follow(
    branch: Branch, gap: int, chain: Chain, used: Used | None
) -> Iterator[dict[str, object]]:
    """Yield the rows of one branch, up to the end of its first gap; one of no range has one."""
    start, end, step = 0, gap, gap
    if not branch.ranged:
        address = branch.address(0)
        yield _row(branch, None, address, _seen([address], chain, used), chain, used)
        return
    while start < end:
        if end > MOST_ADDRESSES:
            raise InputError(
                f"a branch with more than {MOST_ADDRESSES:,} addresses in use",
                remedy="read its addresses in parts, from a list of them",
            )
        made = [branch.address(number) for number in range(start, start + step)]
        seen = _seen(made, chain, used)
        for index, address in enumerate(made, start):
            if index == end:
                return
            if address in seen:
                end = index + 1 + gap
            yield _row(branch, index, address, seen, chain, used)
        start, step = start + step, min(2 * step, max(gap, _LARGEST_STEP))


def _row(
    branch: Branch, index: int | None, address: bytes, seen: set[bytes], chain: Chain,
    used: Used | None,
) -> dict[str, object]:  # fmt: skip
    place = branch.numbers if index is None else (*branch.numbers, index)
    return {
        "chain": chain.id, "kind": branch.kind, "path": "/".join(map(str, place)),
        "index": index or 0, "change": branch.change, "address": address,
        "text": canonical.text(address, chain), "used": None if used is None else address in seen,
    }  # fmt: skip


def _seen(made: list[bytes], chain: Chain, used: Used | None) -> set[bytes]:
    """Return which addresses were paid."""
    if used is None:
        return set()
    if not isinstance(used, Ledger):
        return {address for address in made if used(address)}
    mine = pl.col("chain") == chain.id
    rows = used.history.outputs.filter(mine & pl.col("address").is_in(made))
    return set(rows.select(pl.col("address").unique()).collect()["address"])
