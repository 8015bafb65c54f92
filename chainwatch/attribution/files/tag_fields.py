"""The fields of a TagPack and what one tag says with them, as rows of ``schema.TAGS``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from chainwatch.attribution.asset_codes import network_of
from chainwatch.attribution.files.safe_yaml import Items, Node, Text
from chainwatch.attribution.rejections import quoted
from chainwatch.attribution.taxonomy import known, level
from chainwatch.errors import TagError

HEADER_FIELDS = frozenset({"title", "creator", "description", "owner", "is_public", "tags"})
"""Fields of a pack as a whole."""

TAG_FIELDS = frozenset({
    "label", "source", "currency", "network", "confidence", "is_cluster_definer", "lastmod",
    "category", "abuse", "concepts", "actor", "context", "tag_type", "first_day", "last_day",
})  # fmt: skip
"""Fields that a header may hold for all its tags."""

SUBJECTS = frozenset({"address", "tx_hash"})
"""What a tag speaks of: exactly one of them, in the tag itself."""

TAG_TYPES = ("actor", "event", "attribute", "mention")

_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt\s].*)?", re.DOTALL)
_BOOLS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True)
class TagValues:
    """The fields of one tag, the header's among them.

    Attributes
    ----------
    pack : str
        Name of the pack.
    network : str or None
        Network where the tag states none.
    number, line : int
        Place of the tag.
    nodes : mapping
        The fields.
    """

    pack: str
    network: str | None
    number: int
    line: int
    nodes: Mapping[str, Node]

    def get(self, key: str) -> str | None:
        """Return the text of a field, or None where it is not stated."""
        node = self.nodes.get(key)
        return node.value if isinstance(node, Text) else None

    def place(self, key: str) -> str:
        """Return where a field stands, for an error."""
        node = self.nodes.get(key)
        line = node.line if node else self.line
        return f"{_shown(self.pack)} tag {self.number}, line {line}"

    def fail(self, key: str, what: str, remedy: str) -> TagError:
        """Return the error for a field."""
        return TagError(what, where=self.place(key), remedy=remedy)

    def subject(self) -> tuple[str | None, str]:
        """Return the chain alias of the tag, or None and why it is not taken."""
        if ("address" in self.nodes) == ("tx_hash" in self.nodes):
            return None, "a tag needs exactly one of address and tx_hash"
        for key in ("label", "source"):
            if key not in self.nodes:
                return None, f"no {key} is stated, which TagPack demands"
        code = self.get("network") or self.get("currency") or self.network
        if code is None:
            return None, "no currency is stated, which TagPack demands"
        if "tx_hash" in self.nodes:
            return None, "a tag on a transaction: only addresses are taken"
        return network_of(code, self.get("address") or "")

    def row(self, address: bytes, chain: str) -> list[tuple[Any, ...]]:
        """Return one row per concept, in the order of the columns of ``schema.TAGS``."""
        confidence = self.get("confidence") or "unknown"
        value = level(confidence, where=self.place("confidence"))
        first, last = self.day("first_day"), self.day("last_day")
        if first and last and last < first:
            raise self.fail("last_day", "last_day is before first_day", "exchange them")
        return [
            (
                chain, address, self.get("label"), concept, self.get("actor"), self.get("source"),
                confidence, value, first, last, self.day("lastmod"), self.pack,
                self.definer(), self.get("context"),
            )
            for concept in self.concepts()
        ]  # fmt: skip

    def concepts(self) -> list[str | None]:
        """Return the distinct concepts of the tag; one that only mentions says that as well."""
        found = [(key, self.get(key)) for key in ("category", "abuse")]
        listed = self.nodes.get("concepts")
        if isinstance(listed, Items):
            found += [("concepts", item.value) for item in listed.values if isinstance(item, Text)]
            if not all(isinstance(item, Text) for item in listed.values):
                raise self.fail("concepts", "concepts is no list of ids", "write ids")
        kind = self.get("tag_type") or "actor"
        if kind not in TAG_TYPES:
            what = f"no tag_type {kind[:64]!r}"
            raise self.fail("tag_type", what, f"write one of {', '.join(TAG_TYPES)}")
        if kind == "mention":
            found.append(("tag_type", "mention"))
        names = [known(name, where=self.place(key)) for key, name in found if name is not None]
        return list(dict.fromkeys(names)) or [None]

    def definer(self) -> bool | None:
        """Return whether the source offers the tag for the whole cluster; None if not stated."""
        said = self.get("is_cluster_definer")
        if said is None:
            return None
        told = truth_of_text(said)
        if told is None:
            raise self.fail("is_cluster_definer", "is_cluster_definer is no truth", "true or false")
        return told

    def day(self, key: str) -> date | None:
        """Return a date field; a time of day that follows the date is dropped."""
        said = self.get(key)
        if said is None:
            return None
        found = day_of_text(said)
        if found is None:
            raise self.fail(key, f"{key} {said[:40]!r} is no date", "write it as 2024-09-27")
        return found


@lru_cache(maxsize=16)
def _shown(pack: str) -> str:
    """Return how a pack is named in errors: for each tag its place is made, for few it is told."""
    return quoted(pack)


def truth_of_text(said: str) -> bool | None:
    """Return a truth as YAML 1.1 writes it, or None where it is none."""
    return _BOOLS.get(said.lower())


def day_of_text(said: str) -> date | None:
    """Return a date, without a time of day that follows it, or None where it is none.

    Examples
    --------
    >>> day_of_text("2023-08-16 12:18:52"), day_of_text("May")
    (datetime.date(2023, 8, 16), None)
    """
    found = _DAY.fullmatch(said.strip())
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
