"""Addresses of events of MISP, in its core format (draft-dulaunoy-misp-core-format).

Addresses stand in attributes of type ``btc``, ``xmr`` and ``dash``, and as ``address-crypto`` in
objects ``coin-address``, whose ``symbol`` says the currency. When something was seen first and last
is no span in which a statement holds: it stays in the context.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from chainwatch.attribution.files.feed_json import (
    Instant,
    Told,
    abuses,
    day_at,
    instant_at,
    is_true,
    no_time,
    objects,
    text_at,
    version,
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


class _Said(NamedTuple):
    """An attribute that holds an address, and what stands around it."""

    event: Mapping[str, Any]
    attribute: Mapping[str, Any]
    thing: Mapping[str, Any]
    symbol: str | None

    @property
    def gone(self) -> bool:
        return any(is_true(one.get("deleted")) for one in (self.attribute, self.thing))

    def version(self) -> tuple[Instant, bool, str]:
        """Return its order among versions of one attribute, as :func:`feed_json.version` has it."""
        said = [self.attribute.get("timestamp") or self.event.get("timestamp")]
        if is_true(self.thing.get("deleted")):
            said.append(self.thing.get("timestamp"))
        times = [instant for one in said if (instant := instant_at(one)) is not None]
        return version(max(times, default=None), self.gone, [self.attribute, self.symbol])


def told_by_events(said: Any) -> Iterator[Told]:
    """Yield what events say of addresses, the latest first: the order of a file decides nothing.

    Of several versions of one attribute, as one uuid has in several exports of one event, the
    latest is told. What a uuid says at one time of several addresses is told of each.
    """
    versions: dict[str, list[_Said]] = {}
    for number, one in enumerate(_said(said)):
        uuid = text_at(one.attribute, "uuid") or f"without uuid {number}"
        versions.setdefault(uuid, []).append(one)
    last = [(one.version(), one) for same in versions.values() for one in _latest(same)]
    last.sort(key=lambda each: (text_at(each[1].attribute, "uuid") or "", each[0]))
    last.sort(key=lambda each: each[0][0], reverse=True)
    for _, one in last:
        yield _told(*one)


def _latest(same: list[_Said]) -> list[_Said]:
    """Return the last versions of an attribute: of each address and currency that it then has."""
    if len(same) == 1:
        return same
    instant = max(one.version()[0] for one in same)
    found: dict[tuple[str | None, ...], _Said] = {}
    for one in same:
        what = text_at(one.attribute, "value"), one.symbol
        before = found.get(what)
        now = one.version()
        if now[0] == instant and (before is None or now > before.version()):
            found[what] = one
    return list(found.values())


def _said(said: Any) -> Iterator[_Said]:
    for event in events_of(said):
        for attribute in objects(event.get("Attribute")):
            if attribute.get("type") in TYPES:
                yield _Said(event, attribute, {}, None)
        for thing in objects(event.get("Object")):
            held = list(objects(thing.get("Attribute")))
            symbols = [one for one in held if one.get("object_relation") == SYMBOL]
            symbol = text_at(symbols[0], "value") if len(symbols) == 1 else None
            for attribute in held:
                if _is_address(thing, attribute):
                    yield _Said(event, attribute, thing, symbol)


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
    gone = any(is_true(one.get("deleted")) for one in (attribute, thing))
    as_of, unread = _day(event, attribute)
    return Told(
        place=place,
        address=text_at(attribute, "value") or "",
        network=symbol or TYPES.get(str(attribute.get("type"))),
        label=text_at(event, "info") or f"MISP event {uuid}",
        source=f"MISP event {uuid}, {name or 'publisher not stated'}",
        actor=None,
        concepts=abuses(tags),
        as_of=as_of,
        last_day=None,
        context={**kept, **({"tags": [one for one in tags if one]} if any(tags) else {})},
        withdrawn="its publisher deleted it" if gone else unread,
    )


def _day(event: Mapping[str, Any], attribute: Mapping[str, Any]) -> tuple[date | None, str]:
    """Return on which day an attribute was said, and why what is stated as its time is none.

    Where it states no time, which exports also write as 0, it was said with its event.
    """
    for one, name in ((attribute, "timestamp"), (event, "date")):
        stated = one.get(name)
        if stated not in (None, "", 0, "0"):
            day = day_at(stated)
            return day, "" if day is not None else no_time(name, stated)
    return None, ""


def _tags(one: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from objects(one.get("Tag"))
