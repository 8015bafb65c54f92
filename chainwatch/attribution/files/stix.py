"""Addresses of bundles of STIX 2.1: wallets, patterns of indicators, and attributes of MISP.

STIX has no object for an address of its own. Read are those that others define:
``cryptocurrency-wallet`` (a new kind of observable of the extension of that name, with the address
in ``value`` and perhaps its holder in ``holder_ref``), the same in patterns of indicators, as most
platforms write them, and ``x-misp-attribute``, as MISP exports its attributes. A name comes from
the holder, else from what a relationship ties to the wallet or indicator.

From when an indicator is valid is no first day of a tag: producers must state one, and most write
the day of the export. It stays in the context; until when it is valid is the last day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from chainwatch.attribution.files.feed_json import (
    Told,
    abuses,
    day_at,
    objects,
    text_at,
)
from chainwatch.attribution.files.misp import TYPES

WALLETS = ("cryptocurrency-wallet", "x-cryptocurrency-wallet", "x-cryptocurrency-address")
"""Kinds of observables that are an address."""

NAMED = (
    "campaign", "identity", "infrastructure", "intrusion-set", "malware", "threat-actor", "tool",
    "incident",
)  # fmt: skip
"""Kinds of objects that give a name to what is tied to them."""

_KINDS = "|".join(re.escape(kind) for kind in WALLETS)
_TEXT = r"'(?:[^'\\]|\\.)*+'"
_EQUALS = re.compile(
    rf"(NOT\s++)?\b(?:{_KINDS}):(?:value|address)\s*+(=|!=|NOT\s*+=|IN\b|NOT\s++IN\b)\s*+"
    rf"({_TEXT}|\(\s*+(?:{_TEXT}\s*+(?:,\s*+)?)++\))"
)
MOST_NAMES, MOST_ID = 8, 100
"""Names that one label joins, and characters of an id that are told."""

_LITERAL = re.compile(r"'((?:[^'\\]|\\.)*)'")
_ESCAPED = re.compile(r"\\(.)")
_KEPT = (
    "id", "description", "confidence", "valid_from", "first_seen", "last_seen", "x_misp_comment",
    "x_misp_category",
)  # fmt: skip


@dataclass
class _Bundle:
    """The objects of a bundle by id, the latest version of each, and what is tied to what."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    tied: dict[str, list[str]] = field(default_factory=dict)
    """For each object those that a relationship ties to it, whichever end it is."""

    def add(self, one: dict[str, Any]) -> None:
        known = text_at(one, "id") or f"{one.get('type')} without id {len(self.objects)}"
        before = self.objects.get(known)
        if before is None or _version(one) >= _version(before):
            self.objects[known] = one

    def tie(self) -> None:
        for one in self.objects.values():
            if one.get("type") == "relationship" and not one.get("revoked"):
                ends = [text_at(one, key) for key in ("source_ref", "target_ref")]
                if ends[0] and ends[1]:
                    self.tied.setdefault(ends[0], []).append(ends[1])
                    self.tied.setdefault(ends[1], []).append(ends[0])
            elif one.get("type") == "observed-data":
                held = one.get("object_refs")
                for ref in held if isinstance(held, list) else []:
                    if isinstance(ref, str):
                        self.tied.setdefault(ref, []).append(str(one.get("id")))

    def names(self, known: str) -> list[tuple[str, dict[str, Any]]]:
        """Return names of what is tied to an object, at once or by an indicator on it."""
        near = self.tied.get(known, [])
        through = [
            other
            for one in near
            if self.kind(one) in ("indicator", "observed-data", *WALLETS)
            for other in self.tied.get(one, [])
        ]
        found: dict[str, dict[str, Any]] = {}
        for one in [*near, *through]:
            thing = self.objects.get(one)
            name = text_at(thing, "name") if thing and thing.get("type") in NAMED else None
            if thing is not None and name is not None:
                found.setdefault(name, thing)
        return sorted(found.items())

    def kind(self, known: str) -> str:
        return str(self.objects.get(known, {}).get("type"))

    def name_of(self, known: Any) -> str | None:
        thing = self.objects.get(known) if isinstance(known, str) else None
        return text_at(thing, "name") if thing is not None else None


def _version(one: Mapping[str, Any]) -> str:
    return text_at(one, "modified", "created") or ""


def told_by_bundle(said: Mapping[str, Any]) -> Iterator[Told]:
    """Yield what the objects of a bundle say of addresses, in the order of their ids."""
    bundle = _Bundle()
    for one in objects(said.get("objects")):
        bundle.add(one)
    bundle.tie()
    for known, one in sorted(bundle.objects.items()):
        for address, network, why in _addresses(one):
            yield _told(bundle, known, one, (address, network, why))


def _addresses(one: Mapping[str, Any]) -> Iterator[tuple[str, str | None, str]]:
    """Yield the addresses that an object names, with their currency, and why they do not count."""
    kind = one.get("type")
    if kind in WALLETS:
        yield text_at(one, "value", "address") or "", text_at(one, "currency", "symbol"), ""
    elif kind == "x-misp-attribute" and one.get("x_misp_type") in TYPES:
        yield text_at(one, "x_misp_value") or "", TYPES[str(one["x_misp_type"])], ""
    elif kind == "indicator" and one.get("pattern_type", "stix") == "stix":
        yield from _of_pattern(text_at(one, "pattern") or "")


def _of_pattern(pattern: str) -> Iterator[tuple[str, None, str]]:
    for before, how, literals in _EQUALS.findall(pattern):
        excluded = before or how not in ("=", "IN")
        why = "the pattern is of all addresses but this one" if excluded else ""
        for literal in _LITERAL.findall(literals):
            yield _ESCAPED.sub(r"\1", literal), None, why


def _told(
    bundle: _Bundle, known: str, one: Mapping[str, Any], found: tuple[str, str | None, str]
) -> Told:
    address, network, why = found
    holder = bundle.name_of(one.get("holder_ref"))
    near = dict(bundle.names(known)[:MOST_NAMES])
    words = [word for thing in (one, *near.values()) for word in _words(thing)]
    publisher = bundle.name_of(one.get("created_by_ref")) or "publisher not stated"
    return Told(
        place=known[:MOST_ID],
        address=address,
        network=network,
        label=holder or "; ".join(near) or text_at(one, "name") or f"STIX {known[:MOST_ID]}",
        source=f"STIX {known[:MOST_ID]}, {publisher}",
        actor=holder,
        concepts=abuses(words),
        as_of=day_at(_version(one)),
        last_day=_last_day(one.get("valid_until")),
        context={key: value for key in _KEPT if isinstance(value := one.get(key), (str, int))},
        withdrawn=why or ("its publisher revoked it" if one.get("revoked") is True else ""),
    )


def _words(one: Mapping[str, Any]) -> list[str]:
    keys = ("labels", "malware_types", "indicator_types", "threat_actor_types")
    lists = [one.get(key) for key in keys]
    return [word for words in lists if isinstance(words, list) for word in words
            if isinstance(word, str)]  # fmt: skip


def _last_day(until: Any) -> date | None:
    """Return the last day on which something is valid that is no longer so at a time.

    At midnight it ended with the day before.
    """
    day = day_at(until)
    midnight = isinstance(until, str) and re.search(r"T00:00:00(?:\.0+)?Z$", until)
    return day - timedelta(days=1) if day is not None and midnight else day
