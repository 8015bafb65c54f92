"""What the context of a tag says in JSON: the one field of a TagPack that holds anything.

Keys that mean something here are ``jurisdiction``, ``channel``, ``substance`` and those of a
retraction; all others are kept as they stand, and a context that is no JSON object says none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

JURISDICTION = "jurisdiction"
NOTE = "note"
"""Under which key a context stands that was no JSON object, where something is added to it."""


def told(context: str | None) -> dict[str, Any]:
    """Return what a context says, by its keys; nothing where it is no JSON object.

    Examples
    --------
    >>> told('{"jurisdiction": "MT"}'), told("seen on a forum"), told(None)
    ({'jurisdiction': 'MT'}, {}, {})
    """
    if not context or not context.lstrip().startswith("{"):
        return {}
    try:
        said = json.loads(context)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def texts(said: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Return the texts that stand under a key: one, or those of a list; others are none.

    Examples
    --------
    >>> texts({"channel": "messaging"}, "channel"), texts({"channel": ["a", 1]}, "channel")
    (('messaging',), ('a',))
    """
    value = said.get(key)
    listed = value if isinstance(value, list) else [value]
    return tuple(one for one in listed if isinstance(one, str))


def with_keys(context: str | None, keys: Mapping[str, Any]) -> str:
    """Return a context that says more; a text that is no JSON object stands under ``note``.

    Examples
    --------
    >>> with_keys("seen on a forum", {"channel": "open_web"})
    '{"note": "seen on a forum", "channel": "open_web"}'
    """
    said = told(context)
    if not said and context and context.strip() != "{}":
        said = {NOTE: context}
    return json.dumps({**said, **keys}, ensure_ascii=False)
