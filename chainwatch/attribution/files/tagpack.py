"""Read and write TagPacks: YAML files in which a publisher says what addresses are.

A field of the header holds for every tag, a tag may override it. Two fields are ours, an extension
that other TagPack software refuses: ``first_day`` and ``last_day``, the first and last day on which
the statement holds. Without ``first_day`` a tag is *undated*, and every use of it says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from chainwatch.addresses.canonical import parse
from chainwatch.attribution.contact import not_understood
from chainwatch.attribution.files.safe_yaml import Fields, Items, Node, Text, load, sized
from chainwatch.attribution.files.tag_fields import HEADER_FIELDS, SUBJECTS, TAG_FIELDS, TagValues
from chainwatch.attribution.rejections import Rejection, quoted, rejected_frame
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError, TagError
from chainwatch.ledger.schema import TAGS

MAX_UNFOLDED = 2_000_000_000
"""Characters of all rows once header fields are written into every tag; about 10 million tags."""

MOST_UNFOLDED, LEAST_UNFOLDED = 40, 20_000_000
"""How many times its own size a file may unfold to, and what every file may.

A tag that states an address alone takes fifty bytes, and its rows, one per concept, a few hundred.
"""

_KEY = [list(TAGS.schema).index(name) for name in TAGS.key]


def read_tagpack(
    path: Path, *, name: str, root: Path, network: str | None = None,
    included: list[Path] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:  # fmt: skip
    """Return the tags of one pack and what of it was not taken.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        What to call it in rows and errors: its path below the folder that was read.
    root : Path
        Folder that an ``!include`` must not leave.
    network : str, optional
        Network for tags that state neither ``network`` nor ``currency``.
    included : list of Path, optional
        Gets the file that the pack includes, if it does.

    Returns
    -------
    tuple of polars.DataFrame
        Rows of ``schema.TAGS``, one per tag and concept; and the rejections. A tag of a chain that
        is not supported, of a transaction, with an address that does not parse, without a
        mandatory field, or said twice is rejected, and the others are taken.

    Raises
    ------
    TagError
        If the file breaks the format: no TagPack, an unknown field, a null, an id that is not in
        the taxonomy, a date that is none.
    """
    top, size = sized(path, name)
    pack = PackRows(name, network, most_unfolded(size))
    header, tags = pack.open(fields_of(_mapping(top, name), path, name, root, included))
    for number, tag in enumerate(tags.values, 1):
        pack.take(number, tag, header)
    return pl.DataFrame(pack.rows, TAGS.schema, orient="row"), rejected_frame(pack.rejected)


def document(path: Path, name: str, kind: str = "TagPack") -> Fields:
    """Return a pack as it stands in its file."""
    return _mapping(load(path, name), name, kind)


def most_unfolded(size: int) -> int:
    """Return to how many characters the rows of a file of some bytes may unfold."""
    return min(MAX_UNFOLDED, max(LEAST_UNFOLDED, MOST_UNFOLDED * size))


def _mapping(top: Node, name: str, kind: str = "TagPack") -> Fields:
    if not isinstance(top, Fields):
        raise TagError(f"not {with_article(kind)}: the file is no mapping", where=quoted(name))
    return top


def with_article(kind: str) -> str:
    """Return a kind of pack with its article."""
    return f"{'an' if kind[0] in 'AEIO' else 'a'} {kind}"


def fields_of(
    top: Fields, path: Path, name: str, root: Path, included: list[Path] | None = None
) -> dict[str, Node]:
    """Return the fields of a pack, those of an included header among them, and note its file."""
    found = dict(top.values)
    include = found.pop("header", None)
    if include is None:
        return found
    if not isinstance(include, Text) or not include.include:
        where = f"{quoted(name)} line {include.line}"
        raise TagError("header is no !include of a file", where=where, remedy="write !include FILE")
    file = _included(include, path, name, root)
    if included is not None:
        included.append(file)
    other = load(file, quoted(include.value))
    if not isinstance(other, Fields):
        raise TagError("an included header is no mapping", where=quoted(include.value))
    if twice := sorted(set(other.values) & set(found)):
        raise TagError(
            f"field {twice[0]!r} stands both in the pack and in its included header",
            where=quoted(name),
            remedy="keep one of them",
        )
    return {**found, **other.values}


def _included(include: Text, path: Path, name: str, root: Path) -> Path:
    """Return the file an include means: beside the pack or above it, never outside the root."""
    top = root.resolve()
    asked = Path(include.value)
    if not asked.is_absolute() and ".." not in asked.parts:
        for folder in (path.resolve().parent, *path.resolve().parent.parents):
            if not folder.is_relative_to(top):
                break
            found = (folder / asked).resolve()
            if found.is_file() and found.is_relative_to(top):
                return found
    raise TagError(
        f"!include {include.value[:100]!r} is no file inside the folder that is read",
        where=f"{quoted(name)} line {include.line}",
        remedy="keep the header in the folder of the pack, or read the folder that holds both",
    )


@dataclass
class PackRows:
    """The rows of one pack or table while it is read."""

    name: str
    network: str | None
    most: int = MAX_UNFOLDED
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    keys: dict[tuple[Any, ...], tuple[int, int]] = field(default_factory=dict)
    unfolded: int = 0

    def open(self, top: dict[str, Node]) -> tuple[dict[str, Node], Items]:
        """Check the header and return the fields that tags inherit, and the tags."""
        for key, node in top.items():
            self.check(key, node, HEADER_FIELDS | TAG_FIELDS, "the header")
        for key in ("title", "creator", "tags"):
            if key not in top:
                raise TagError(f"a pack without {key}", where=quoted(self.name), remedy="add it")
        tags = top["tags"]
        if not isinstance(tags, Items) or not tags.values:
            raise self.fail("tags is no list of tags", tags.line, "list at least one tag")
        return {key: node for key, node in top.items() if key in TAG_FIELDS}, tags

    def fail(self, what: str, line: int, remedy: str, tag: int = 0) -> TagError:
        """Return the error for a place of the pack."""
        place = f"{quoted(self.name)} {f'tag {tag}, ' if tag else ''}line {line}"
        return TagError(what, where=place, remedy=remedy)

    def check(self, key: str, node: Node, allowed: frozenset[str], part: str, tag: int = 0) -> None:
        """Refuse a field that is not known, is of another form, or is empty."""
        if key not in allowed:
            what = f"unknown field {key[:64]!r} in {part}"
            raise self.fail(what, node.line, f"write one of {', '.join(sorted(allowed))}", tag)
        listed = key in ("tags", "concepts")
        if not isinstance(node, Items if listed else Text):
            what = f"{key} is {'no list' if listed else 'no single text'}"
            raise self.fail(what, node.line, "see the TagPack format", tag)
        for item in node.values if key == "concepts" and isinstance(node, Items) else [node]:
            if isinstance(item, Text) and (item.null or item.include or not item.value.strip()):
                raise self.fail(f"{key} is empty", item.line, "give a value or remove it", tag)

    def take(self, number: int, tag: Node, header: dict[str, Node]) -> None:
        """Add the rows of one tag, or the reason there are none."""
        if not isinstance(tag, Fields):
            raise self.fail("a tag is no mapping", tag.line, "write its fields", number)
        for key, node in tag.values.items():
            self.check(key, node, TAG_FIELDS | SUBJECTS, "a tag", number)
        values = TagValues(self.name, self.network, number, tag.line, {**header, **tag.values})
        place = f"tag {number}, line {tag.line}"
        alias, reason = values.subject()
        said = values.get("address") or values.get("tx_hash") or ""
        if alias is None:
            values.row(b"", "")  # a pack that breaks the format is refused whatever its chain
            self.reject(Rejection(self.name, place, said, reason))
            return
        try:
            address = parse(said, alias)
        except AddressError as error:
            self.reject(Rejection(self.name, place, said, str(error)))
            return
        for row in values.row(address, chain_of(alias).id):
            self.add(row, number, Rejection(self.name, place, said, ""))
        for word, reason in not_understood(values.get("context")):
            self.reject(Rejection(self.name, place, word, reason))

    def add(self, row: tuple[Any, ...], number: int, place: Rejection) -> None:
        """Add a row, or the reason why it is said already, or otherwise."""
        key = tuple(row[index] for index in _KEY)
        first, before = self.keys.setdefault(key, (number, len(self.rows)))
        if first != number:
            reason = f"says again what tag {first} says{_otherwise(self.rows[before], row)}"
            self.reject(place._replace(reason=reason))
            return
        self.count(row)
        self.rows.append(row)

    def reject(self, one: Rejection) -> None:
        """Add what is not taken; it repeats texts as rows do."""
        self.count(one)
        self.rejected.append(one)

    def count(self, values: tuple[Any, ...]) -> None:
        """Count what is unfolded, before it is kept.

        Raises
        ------
        TagError
            If that is too much for the size of the file.
        """
        self.unfolded += sum(len(value) for value in values if isinstance(value, (str, bytes)))
        if self.full:
            what = f"the file unfolds to more than {self.most:,} characters"
            remedy = (
                "shorten the long fields of its header or those that aliases repeat, or split it"
            )
            raise TagError(what, where=quoted(self.name), remedy=remedy)

    @property
    def full(self) -> bool:
        """Whether more was unfolded than the size of the file allows."""
        return self.unfolded > self.most


def _otherwise(one: tuple[Any, ...], other: tuple[Any, ...]) -> str:
    """Return in what two rows of one key differ: which of them is right is not decided here."""
    both = zip(TAGS.names, one, other, strict=True)
    differing = [name for name, this, that in both if this != that and name != "level"]
    return f", with another {' and '.join(differing)}" if differing else ""
