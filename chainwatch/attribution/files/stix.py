"""Addresses of bundles of STIX 2.1: wallets, patterns of indicators, and attributes of MISP.

STIX has no object for an address of its own. Read are those that others define:
``cryptocurrency-wallet`` (a new kind of observable of the extension of that name, with the address
in ``value`` and perhaps its holder in ``holder_ref``), the same in patterns of indicators, as most
platforms write them, and ``x-misp-attribute``, as MISP exports its attributes. A name comes from
the holder, else from what a relationship of a kind in ``NAMING`` ties to the wallet or indicator.

From when an indicator is valid is no first day of a tag: producers must state one, and most write
the day of the export. It stays in the context; until when it is valid is the last day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

from chainwatch.attribution.files.feed_json import (
    Told,
    abuses,
    instant_of_text,
    is_true,
    no_time,
    objects,
    text_at,
    version,
)
from chainwatch.attribution.files.misp import TYPES
from chainwatch.attribution.files.stix_pattern import WALLETS, addresses_of

NAMED = (
    "campaign", "identity", "infrastructure", "intrusion-set", "malware", "threat-actor", "tool",
    "incident",
)  # fmt: skip
"""Kinds of objects that give a name to what is tied to them."""

NAMING = (
    "attributed-to", "based-on", "consists-of", "controls", "indicates", "owns", "uses",
)  # fmt: skip
"""Kinds of relationships that say whose something is, or what it is a sign of.

Others tie an address to whom it is not of: a victim that is targeted, a brand that is imitated.
``related-to`` says of neither which it is, and gives no name.
"""

MOST_NAMES, MOST_ID = 8, 100
"""Names that one label joins, and characters of an id that are told."""

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
        known = text_at(one, "id") or f"{one.get('type')} without id {_digits(one)}"
        before = self.objects.get(known)
        if before is None or _version(one) > _version(before):
            self.objects[known] = one

    def tie(self) -> None:
        for one in self.objects.values():
            if is_true(one.get("revoked")):
                continue
            if one.get("type") == "relationship" and one.get("relationship_type") in NAMING:
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
        """Return names of what is tied to an object, at once or by an indicator on it.

        Of several things of one name each is there, by its id.
        """
        near = self.tied.get(known, [])
        through = [
            other
            for one in near
            if self.kind(one) in ("indicator", "observed-data", *WALLETS)
            for other in self.tied.get(one, [])
        ]
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for one in [*near, *through]:
            thing, name = self.objects.get(one, {}), self.name_of(one)
            if thing.get("type") in NAMED and name is not None:
                found[name, one] = thing
        return [(name, thing) for (name, _), thing in sorted(found.items(), key=lambda it: it[0])]

    def kind(self, known: str) -> str:
        """Return the type of an object that stands; a revoked one leads nowhere."""
        thing = self.objects.get(known, {})
        return "" if is_true(thing.get("revoked")) else str(thing.get("type"))

    def name_of(self, known: Any) -> str | None:
        """Return the name of an object that was not revoked."""
        thing = self.objects.get(known) if isinstance(known, str) else None
        return None if thing is None or is_true(thing.get("revoked")) else text_at(thing, "name")

    def publisher(self, one: Mapping[str, Any]) -> str | None:
        """Return who published an object: what was revoked since said so all the same."""
        who = one.get("created_by_ref")
        return text_at(self.objects.get(who, {}) if isinstance(who, str) else {}, "name")


def _digits(one: Mapping[str, Any]) -> str:
    """Return digits that tell objects without an id apart, wherever they stand."""
    return hashlib.sha256(json.dumps(one, sort_keys=True).encode()).hexdigest()[:12]


def _changed(one: Mapping[str, Any]) -> tuple[str, Any]:
    """Return under which key an object says when it was last changed, and what stands there."""
    key = "modified" if one.get("modified") is not None else "created"
    return key, one.get(key)


def _version(one: Mapping[str, Any]) -> tuple[Any, ...]:
    _, said = _changed(one)
    instant = instant_of_text(said) if isinstance(said, str) else None
    return version(instant, is_true(one.get("revoked")), one)


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
        for address, why in addresses_of(text_at(one, "pattern") or ""):
            yield address, None, why


def _told(
    bundle: _Bundle, known: str, one: Mapping[str, Any], found: tuple[str, str | None, str]
) -> Told:
    address, network, why = found
    holder = bundle.name_of(one.get("holder_ref"))
    near = bundle.names(known)
    names = list(dict.fromkeys(name for name, _ in near))[:MOST_NAMES]
    tied = [thing for name, thing in near if name in names]
    publisher = bundle.publisher(one) or "publisher not stated"
    key, changed = _changed(one)
    as_of, unread = _time(key, changed)
    ends, no_end = _time("valid_until", one.get("valid_until"))
    revoked = "its publisher revoked it" if is_true(one.get("revoked")) else ""
    return Told(
        place=known[:MOST_ID],
        address=address,
        network=network,
        label=holder or "; ".join(names) or text_at(one, "name") or f"STIX {known[:MOST_ID]}",
        source=f"STIX {known[:MOST_ID]}, {publisher}",
        actor=holder,
        concepts=abuses([word for thing in (one, *tied) for word in _words(thing)]),
        as_of=as_of,
        last_day=_last_day(ends, one.get("valid_until")),
        context={key: value for key in _KEPT if isinstance(value := one.get(key), (str, int))},
        withdrawn=why or revoked or unread or no_end,
    )


def _words(one: Mapping[str, Any]) -> list[str]:
    keys = ("labels", "malware_types", "indicator_types", "threat_actor_types")
    lists = [one.get(key) for key in keys]
    return [word for words in lists if isinstance(words, list) for word in words
            if isinstance(word, str)]  # fmt: skip


def _time(name: str, said: Any) -> tuple[date | None, str]:
    """Return the day of a time, and why what is stated as one is none."""
    if said is None:
        return None, ""
    instant = instant_of_text(said) if isinstance(said, str) else None
    return (None, no_time(name, said)) if instant is None else (instant[0].date(), "")


def _last_day(ends: date | None, until: Any) -> date | None:
    """Return the last day on which something is valid that is no longer so at a time.

    At midnight, as it is in UTC, it ended with the day before; a day without a time is the last.
    """
    if ends is None or len(str(until).strip()) <= len("2024-09-27"):
        return ends
    instant = instant_of_text(str(until))
    midnight = instant is not None and not instant[1] and instant[0].time() == time.min
    return ends - timedelta(days=1) if midnight and ends > date.min else ends
