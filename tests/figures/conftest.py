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


@pytest.fixture(scope="session")
def exposed(otter_case: Any, ranged: cw.TraceRange) -> dict[str, cw.Exposure]:
    """Return whom the vendors' value reached, under each policy that conserves it."""
    return {name: cw.exposure(ranged.traces[name], otter_case.tags) for name in ranged.compared}


@pytest.fixture(scope="session")
def joined(otter_case: Any) -> cw.Clusters:
    """Return who is taken to hold which addresses, by co-spending alone."""
    return cw.cluster(cw.co_spends(otter_case.ledger), tags=otter_case.tags)


@pytest.fixture(scope="session")
def found(otter_case: Any, joined: cw.Clusters) -> cw.Alerts:
    """Return the shapes in the payments of the made-up case."""
    return cw.alerts(otter_case.ledger, clusters=joined, tags=otter_case.tags)


@pytest.fixture(scope="session")
def read(otter_case: Any) -> cw.WhatWasRead:
    """Return what was read of the made-up case."""
    return cw.what_was_read(otter_case.ledger)
