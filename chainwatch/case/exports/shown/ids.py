"""Ids that depend on what they name alone: UUIDs of version 5, the same from run to run.

``NAMESPACE`` is the UUID of version 5 of the name ``urn:chainwatch:exports`` among URLs (RFC 9562).
The name of an id is the canonical JSON of what is shown; in the disclosure edition that holds no
address of anybody masked, only pseudonyms that are keyed already.
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
    """Makes the ids of one export; two things that read the same get two."""

    seen: Counter[str] = field(default_factory=Counter)

    def new(self, kind: str, *parts: Any) -> str:
        """Return the id of one more thing of a kind: of equals, the first, the second, ..."""
        name = canonical_json([kind, *parts]).decode()
        self.seen[name] += 1
        return uuid_of(kind, *parts, *([self.seen[name]] if self.seen[name] > 1 else []))


def uuid_of(kind: str, *parts: Any) -> str:
    """Return the id of what is told by its parts, which are plain data."""
    return str(uuid.uuid5(NAMESPACE, canonical_json([kind, *parts]).decode()))
