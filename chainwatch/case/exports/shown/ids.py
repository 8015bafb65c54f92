"""Ids that depend on what they name alone: UUIDs of version 5, the same from run to run.

``NAMESPACE`` is the UUID of version 5 of the name ``urn:chainwatch:exports`` among URLs (RFC 9562).
The name of an id is the canonical JSON of what is shown; in the disclosure edition that holds no
address of anybody masked, only pseudonyms that are keyed already.

What a case says is its own: its ids begin with its *scope*, which is another for each edition, each
mask key, and each content (:attr:`chainwatch.case.exports.shown.case.ShownCase.scope`). So one id
never stands for two things, whatever is loaded beside each other.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from chainwatch.results.provenance import canonical_json

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:chainwatch:exports")
"""Of every id that an export makes and no standard prescribes."""


@dataclass
class Ids:
    """Makes the ids of one export, in the scope of its case."""

    scope: str
    seen: Counter[str] = field(default_factory=Counter)

    def new(self, kind: str, *parts: Any) -> str:
        """Return the id of one more thing of a kind: of equals, the first, the second, ..."""
        name = canonical_json([kind, *parts]).decode()
        self.seen[name] += 1
        return self.of(kind, *parts, *([self.seen[name]] if self.seen[name] > 1 else []))

    def of(self, kind: str, *parts: Any) -> str:
        """Return the id of the one thing of a kind that its parts tell."""
        return uuid_of(kind, self.scope, *parts)


def uuid_of(kind: str, *parts: Any) -> str:
    """Return the id of what is told by its parts, which are plain data."""
    return str(uuid.uuid5(NAMESPACE, canonical_json([kind, *parts]).decode()))
