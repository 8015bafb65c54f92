"""Traces of the made-up case to draw, each made once."""

from __future__ import annotations

from typing import Any

import pytest

import chainwatch as cw


@pytest.fixture(scope="session")
def ranged(otter_case: Any) -> cw.TraceRange:
    """Return what every policy says of the vendors, stopped at services."""
    tags = otter_case.tags
    vendors = tags.where(concept="vendor").addresses()
    return cw.trace_all(otter_case.ledger, vendors, stop=tags.services())
