"""What people answer to the questions of ``chainwatch new``, checked at once and made values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from chainwatch.addresses.assets import Asset, native, token
from chainwatch.addresses.canonical import chains_of, parse
from chainwatch.addresses.diagnose import quoted
from chainwatch.case.file.draft import BY_TAG, SERVER, Data
from chainwatch.case.file.file_kinds import kind_of_file
from chainwatch.case.file.model import inside
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import AddressError, ChainError, InputError
from chainwatch.ledger.ledger import open_ledger
from chainwatch.sources.catalogue import LEDGER
from chainwatch.sources.values import checked_url
from chainwatch.tracing.policies import POLICIES

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PARTS = re.compile(r"[\s,;]+")


def a_name(text: str) -> str:
    """Return the name of a case."""
    if not _NAME.fullmatch(text.strip()):
        raise InputError(
            f"{quoted(text)} cannot name a case",
            remedy="write small letters, digits, - and _, such as harbour_2",
        )
    return text.strip()


def some_words(text: str) -> str:
    """Return what is said in words."""
    if not text.strip():
        raise InputError("nothing was said", remedy="say it in a few words")
    return text.strip()


def a_policy(text: str) -> str:
    """Return the name of a policy."""
    names = [one.name for one in POLICIES]
    if text not in names:
        raise InputError(f"{quoted(text)} is no policy", remedy=f"write {' or '.join(names)}")
    return text


def whom_named(text: str) -> tuple[str, ...]:
    """Return the addresses that a text lists, or what tags call somebody; each address once.

    Raises
    ------
    InputError, AddressError
        If it is neither; the sentence says what it is instead, where that is known.
    """
    said = text.strip()
    if said.startswith(BY_TAG):
        if not said.partition(":")[2].strip():
            raise InputError(f"{said} names nobody", remedy="write concept:vendor, or label:NAME")
        return (said,)
    listed = tuple(dict.fromkeys(one for one in _PARTS.split(said) if one))
    if not listed:
        raise InputError("nobody was named", remedy="give an address, or label:NAME of a tag")
    for one in listed:
        if not chains_of(one):
            parse(one, "btc")  # says what it is instead
    return listed


def chains_that_fit(whom: Sequence[str], data: Data | None, base: Path) -> tuple[Chain, ...]:
    """Return the chains that subjects may be of, the likeliest first: by how addresses are written.

    Where the data is a ledger they are among its chains; others come before test networks.

    Raises
    ------
    AddressError
        If no chain has all of the addresses.
    """
    read = open_ledger(inside(base, data.place)).chains if data and data.kind == LEDGER else ()
    if whom[0].startswith(BY_TAG):
        return tuple(read)
    able = chains_of(whom[0])
    for one in whom[1:]:
        both = tuple(each for each in able if each in chains_of(one))
        if not both:
            names = f"{quoted(whom[0])} is of {able[0].name}"
            raise AddressError(
                f"{names} and {quoted(one)} of {chains_of(one)[0].name}",
                remedy="name those of one chain; [[also]] follows others in the same case",
            )
        able = both
    here = tuple(one for one in able if one in read)
    return here or tuple(sorted(able, key=lambda one: not one.mainnet))


def asset_said(text: str, whom: Sequence[str]) -> Asset:
    """Return what is followed: the coin of a chain, or a token as CHAIN:CONTRACT,SYMBOL,DECIMALS.

    Raises
    ------
    InputError, AddressError, ChainError
        If there is no such chain or token, or a subject is no address of it.
    """
    said = text.strip()
    try:
        asset = native(find_chain(said).id)
    except ChainError:
        chain, colon, rest = said.rpartition(":")
        if not colon:
            raise
        asset = _token(find_chain(chain).id, rest)
    if not whom[0].startswith(BY_TAG):
        for one in whom:
            parse(one, asset.chain)
    return asset


def _token(chain: str, said: str) -> Asset:
    contract, *rest = (part.strip() for part in said.split(","))
    if contract == "native" and not rest:
        return native(chain)
    if find_chain(chain).family == "utxo":
        raise InputError(
            f"{find_chain(chain).name} has no tokens that a case follows",
            remedy="name the chain alone",
        )
    if len(rest) != 2 or not rest[1].isdecimal():
        raise InputError(f"{quoted(said)} names no token", remedy="write CONTRACT,SYMBOL,DECIMALS")
    return token(chain, contract, rest[0], int(rest[1]))


def data_said(text: str, base: Path) -> Data:
    """Return where data is: the folder of a ledger, block files, a table, or a server.

    Parameters
    ----------
    text : str
        A path, or an address that begins with https:// or http://.
    base : path
        The data folder: paths of a case file lie inside it.

    Raises
    ------
    InputError
        If nothing is there, it lies outside, or it is neither blocks nor a table.
    """
    said = text.strip()
    if said.startswith(("https://", "http://")):
        return Data(SERVER, checked_url(said))
    place = path_said(said, base)
    found = inside(base, place)
    if found.is_dir():
        open_ledger(found)
        return Data(LEDGER, place)
    return Data(kind_of_file(found), place)


_OF_DATA = "the folder of a ledger, block files, a table, or https:// of a server"
_OF_TAGS = "a file or folder of tags"


def tags_said(text: str, base: Path) -> str:
    """Return the path of tags as a case file writes it; refuses what :func:`path_said` does."""
    return path_said(text, base, _OF_TAGS)


def path_said(text: str, base: Path, what: str = _OF_DATA) -> str:
    """Return a path as a case file writes it: from the data folder, wherever it was typed.

    Parameters
    ----------
    text : str
        The path.
    base : path
        The data folder.
    what : str
        What the path is to be of, for errors.

    Raises
    ------
    InputError
        If there is no such file or folder, or it lies outside.
    """
    said = text.strip()
    if not said:
        raise InputError("no place was named", remedy=f"give {what}")
    for found in (base / said, Path(said)):
        if found.exists():
            real = found.resolve()
            if real.is_relative_to(base.resolve()):
                return real.relative_to(base.resolve()).as_posix()
            raise InputError(
                f"the data lies outside of the folder that the case is read from, {base.resolve()}",
                where=said,
                remedy="name a folder above it with --data",
            )
    raise InputError("there is no such file or folder", where=said, remedy=f"give {what}")


__all__ = [
    "a_name", "a_policy", "asset_said", "chains_that_fit", "data_said", "path_said", "some_words",
    "tags_said", "whom_named",
]  # fmt: skip
