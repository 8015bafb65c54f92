"""Addresses of events of MISP, in its core format (draft-dulaunoy-misp-core-format).

Addresses stand in attributes of type ``btc``, ``xmr`` and ``dash``, and as ``address-crypto`` in
objects ``coin-address``, whose ``symbol`` says the currency. When something was seen first and last
is no span in which a statement holds: it stays in the context.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chainwatch.attribution.files.feed_json import (
    Told,
    abuses,
    day_at,
    objects,
    text_at,
)

TYPES = {"btc": "BTC", "xmr": "XMR", "dash": "DASH"}
"""Types of attributes that hold an address, and the currency that each means."""

COIN, ANY_ADDRESS, SYMBOL = "coin-address", "address-crypto", "symbol"

_KEPT = ("uuid", "comment", "category", "first_seen", "last_seen")


def events_of(said: Any) -> Iterator[dict[str, Any]]:
    """Yield the events of an export: one, a list of them, or the answer to a search."""
    for one in [said] if isinstance(said, dict) else list(objects(said)):
        if isinstance(one.get("response"), (list, dict)):
            yield from events_of(one["response"])
        elif isinstance(one.get("Event"), dict):
            yield one["Event"]
        elif "Attribute" in one:
            yield one


def told_by_events(said: Any) -> Iterator[Told]:
    """Yield what events say of addresses, in the order in which they stand there."""
    for event in events_of(said):
        for attribute in objects(event.get("Attribute")):
            if attribute.get("type") in TYPES:
                yield _told(event, attribute, {}, None)
        for thing in objects(event.get("Object")):
            held = list(objects(thing.get("Attribute")))
            symbols = [one for one in held if one.get("object_relation") == SYMBOL]
            symbol = text_at(symbols[0], "value") if len(symbols) == 1 else None
            for attribute in held:
                if _is_address(thing, attribute):
                    yield _told(event, attribute, thing, symbol)


def _is_address(thing: Mapping[str, Any], attribute: Mapping[str, Any]) -> bool:
    generic = thing.get("name") == COIN and attribute.get("object_relation") == ANY_ADDRESS
    return attribute.get("type") in TYPES or generic


def _told(
    event: Mapping[str, Any], attribute: Mapping[str, Any], thing: Mapping[str, Any],
    symbol: str | None,
) -> Told:  # fmt: skip
    uuid = text_at(event, "uuid") or "without uuid"
    organisation = event.get("Orgc") if isinstance(event.get("Orgc"), dict) else event.get("Org")
    name = text_at(organisation, "name") if isinstance(organisation, dict) else None
    tags = [text_at(tag, "name") or "" for one in (event, attribute) for tag in _tags(one)]
    kept = {key: text for key in _KEPT if (text := text_at(attribute, key)) is not None}
    place = f"attribute {kept.get('uuid', 'without uuid')}"
    gone = any(one.get("deleted") in (True, 1, "1", "true") for one in (attribute, thing))
    return Told(
        place=place,
        address=text_at(attribute, "value") or "",
        network=symbol or TYPES.get(str(attribute.get("type"))),
        label=text_at(event, "info") or f"MISP event {uuid}",
        source=f"MISP event {uuid}, {name or 'publisher not stated'}",
        actor=None,
        concepts=abuses(tags),
        as_of=day_at(attribute.get("timestamp")) or day_at(event.get("date")),
        last_day=None,
        context={**kept, **({"tags": [one for one in tags if one]} if any(tags) else {})},
        withdrawn="its publisher deleted it" if gone else "",
    )


def _tags(one: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from objects(one.get("Tag"))
