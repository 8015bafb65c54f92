"""``leaks``: whether the artefacts of a disclosure give away anybody who is masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from chainwatch.errors import InputError, expect
from chainwatch.privacy.edition import DISCLOSURE, WORKING
from chainwatch.privacy.leaks.artefacts import Piece, pieces
from chainwatch.privacy.leaks.forms import (
    ADDRESS,
    DERIVED_KEY,
    MASK_KEY,
    TRANSACTION,
    Needle,
    named_party,
    needles,
    whole_texts,
)
from chainwatch.privacy.leaks.keys import KeySearch
from chainwatch.privacy.leaks.result import LEAKS, SEARCHED, UNREAD, Leaks
from chainwatch.privacy.leaks.search import Search
from chainwatch.privacy.leaks.secrets import Secrets, read_secrets
from chainwatch.results.result import recorded
from chainwatch.results.roles import Party

ANNEX = "annex"

Row = tuple[str, str, str, str, str]
"""File, place, kind, form, who."""

Told = tuple[str, str, str]
"""Kind, form, who."""


@recorded
def leaks(
    folder: str | Path, *, working: str | Path | None = None, annex: str | Path | None = None,
    key_file: str | Path | None = None,
) -> Leaks:  # fmt: skip
    """Search every file of a folder for whoever is masked, in every form, and for keys.

    Masked addresses are looked for as texts of any writing and shortened, as payload in hexadecimal
    (so within scripts and topics), in base64 and as bytes, as digests of their scripts and as
    public keys; withheld transaction ids in both orders; the mask key and what is derived of it;
    extended and private keys of anybody. Files are read as bytes and as what they are: tables by
    column, the texts of JSON and notebooks with what they show, pages without marks, streams and
    text of PDF, notes of PNG, parts of mails, and members of packed files; texts also with their
    escapes read and without what parts their letters. Whatever is neither text nor opened is named
    as not searched; pictures and fonts are searched as bytes, which is said.

    Parameters
    ----------
    folder : path
        A disclosure edition, any other folder that is to leave the desk, or one file; or the folder
        of a whole case, whose disclosure is then searched by its working edition and annex.
    working : path, optional
        The working edition of the case: it lists whom the disclosure masks, and which transactions
        it withholds.
    annex : path, optional
        The annex: pseudonyms and key.
    key_file : path, optional
        The mask key by itself.

    Returns
    -------
    Leaks
        File, place, kind and form of each; never the thing itself. ``clean`` is true where nothing
        was found, all was read, and it was known whom to look for.

    Raises
    ------
    InputError
        If there is no such file or folder, nothing says whom to look for, or the key is missing.

    Fails when
    ----------
    A secret stands in a picture as drawn letters, in pieces that other text parts, packed and
    written in base64 within a text, or in a code of somebody's own. Amounts and times can
    give somebody away too: that is what editions round, and no search shows it.
    """
    expect(folder, (str, Path), "the folder", "name the folder that is to leave the desk")
    root = Path(folder)
    if not root.exists():
        raise InputError(
            "there is no such file or folder", where=str(folder), remedy="check the path"
        )
    root, places = _whole_case(root, {"working": working, "annex": annex})
    given = {name: Path(one) if one is not None else None for name, one in places.items()}
    secrets = read_secrets(
        given["working"], given["annex"], None if key_file is None else Path(key_file)
    )
    return searched(root, secrets)


def _whole_case(
    root: Path, given: dict[str, str | Path | None]
) -> tuple[Path, dict[str, str | Path | None]]:
    """Return what is searched, and by what: of a whole case its disclosure by all beside it."""
    if not (root / DISCLOSURE).is_dir():
        return root, given
    beside = {
        name: root / name if given[name] is None and (root / name).is_dir() else given[name]
        for name in (WORKING, ANNEX)
    }
    return root / DISCLOSURE, beside


def searched(root: Path, secrets: Secrets) -> Leaks:
    """Return what the files of a folder give away of secrets."""
    listed = list(needles(secrets))
    every, keys = Search(listed, whole_texts(secrets)), KeySearch(secrets.parties)
    found, unread = Counter[Row](), set[tuple[str, str, str]]()
    files, size, drawn, before = set[str](), 0, 0, Counter[Told]()
    for piece in pieces(root):
        files.add(piece.file)
        size += len(piece.data)
        name = _Called(every, piece.file), _Called(every, piece.place)
        if piece.why:
            unread.add((str(name[0]), str(name[1]), piece.why))
        drawn += piece.as_bytes
        here = list(_in_piece(piece._replace(place=str(name[1])), every, keys, secrets))
        times = Counter(told for _, told in here)
        # Another form of the same text is told of only where it says more than the text itself.
        new = times - before if piece.again else Counter(times)
        before = before | times if piece.again else times
        for where, told in here:
            if new[told] > 0:
                new[told] -= 1
                found[str(name[0]), where, *told] += 1
    rows = LEAKS.frame((*row, times) for row, times in sorted(found.items()))
    return Leaks(
        rows, UNREAD.frame(sorted(unread)), SEARCHED.frame(_asked(secrets, listed)),
        len(files), size, drawn,
    )  # fmt: skip


def _in_piece(
    piece: Piece, every: Search, keys: KeySearch, secrets: Secrets
) -> Iterator[tuple[str, Told]]:
    """Yield place, and kind, form and name of what stands in a piece, each place once."""
    for needle, start in set(every.in_bytes(piece.data)):
        yield piece.where(start), (needle.kind, needle.form, needle.who)
    for one in keys.in_text(piece.data):
        who = "" if one.party is None else named_party(secrets, one.party)
        yield piece.where(one.start), (one.kind, one.form, who)


class _Called:
    """A name as a list of leaks may say it: what it gives away stands as its pseudonym."""

    def __init__(self, every: Search, name: str) -> None:
        raw = name.encode("utf-8", "surrogateescape")
        hits = sorted(every.in_bytes(raw), key=lambda one: (one.start, -len(one.needle.data)))
        said, at = [], 0
        for needle, start in hits:
            if start >= at:
                said += [raw[at:start], f"({needle.who})".encode()]
                at = start + len(needle.data)
        self.said = b"".join([*said, raw[at:]]).decode("utf-8", "replace")

    def __str__(self) -> str:
        return self.said


def _asked(secrets: Secrets, listed: list[Needle]) -> Iterator[tuple[str, int | None, int]]:
    """Yield each kind with how many were looked for, and in how many forms."""
    key = None if secrets.key is None else 1
    derived = None if secrets.key is None else _count(secrets.parties)
    numbers = {
        ADDRESS: _count(secrets.parties), TRANSACTION: _count(secrets.transactions),
        MASK_KEY: key, DERIVED_KEY: derived,
    }  # fmt: skip
    forms = Counter(one.kind for one in listed)
    for kind, number in sorted(numbers.items()):
        yield kind, number, forms[kind]


def _count(some: frozenset[Party] | None) -> int | None:
    return None if some is None else len(some)
