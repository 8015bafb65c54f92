"""Typologies as people write them, on the command line and in case files: ``fan_in:senders=10``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from chainwatch.errors import InputError
from chainwatch.typologies.catalogue import TYPOLOGIES
from chainwatch.typologies.typology import Typology

_TEXT = re.compile(r"([a-z_0-9]+)(?::(.*))?")


def typologies_written(texts: Iterable[str]) -> tuple[Typology, ...]:
    """Return the typologies that texts name, each a name with its numbers behind a colon.

    Raises
    ------
    InputError
        If there is no such typology or parameter, or a number is none.
    """
    return tuple(_written(text) for text in texts)


def _written(text: str) -> Typology:
    found = _TEXT.fullmatch(text)
    makers = {make.__name__: make for make in TYPOLOGIES}
    if found is None or found[1] not in makers:
        raise InputError(f"{text!r:.60} is no typology", remedy=f"write {', '.join(makers)}")
    make = makers[found[1]]
    known = dict(make().params)
    given = dict(_parameter(found[1], known, one) for one in (found[2] or "").split(",") if one)
    return make(**given)


def _parameter(name: str, known: dict[str, Any], text: str) -> tuple[str, Any]:
    key, _, value = (part.strip() for part in text.partition("="))
    if key not in known:
        raise InputError(f"{name} has no parameter {key!r:.40}", remedy=f"write {', '.join(known)}")
    if isinstance(known[key], str):
        return key, value
    if not value.isdecimal():
        raise InputError(f"{key}={value!r:.40} is no whole number", remedy=f"write {key}=10")
    return key, int(value)
