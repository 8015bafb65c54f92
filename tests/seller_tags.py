"""Tags of sellers as tests write them: what a seller sells stands in the context of the tag."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

import chainwatch as cw
from chainwatch.attribution.tags import make_tags
from chainwatch.ledger import schema


def tag(address: bytes, chain: str, context: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a row of tags on a seller."""
    return {
        **dict.fromkeys(schema.TAGS.schema), "chain": chain, "address": address,
        "label": "a seller", "actor": None, "concept": "vendor", "source": "test",
        "confidence": "forensic", "level": 50, "pack": "test", "context": json.dumps(context),
    } | more  # fmt: skip


def tags_of(rows: Sequence[dict[str, Any]]) -> cw.Tags:
    """Return rows as tags."""
    return make_tags(pl.DataFrame(list(rows), schema=schema.TAGS.schema, orient="row"))
