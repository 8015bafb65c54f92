"""chainwatch: follow illicit money across public blockchains, and prove every step.

Importing this package loads nothing heavy: each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainwatch.assets import Asset, native, token
    from chainwatch.attribution.hits import hits
    from chainwatch.attribution.sanctions import read_sanctions
    from chainwatch.attribution.tags import Tags, read_tags, tags_of
    from chainwatch.case.case import Case
    from chainwatch.case.run import run_case
    from chainwatch.case.seal import verify
    from chainwatch.chains import Chain, chain
    from chainwatch.clusters.cluster import Clusters, cluster
    from chainwatch.errors import ChainwatchError
    from chainwatch.heuristics.links import Links
    from chainwatch.heuristics.ownership import co_spends
    from chainwatch.ledger.ledger import Ledger, open_ledger
    from chainwatch.sources.base import pull
    from chainwatch.sources.block_files import BlockFiles
    from chainwatch.sources.dump_mapping import DumpMapping
    from chainwatch.sources.dumps import TransferDump
    from chainwatch.tracing.counterparties import Counterparties, counterparties
    from chainwatch.tracing.custody import Hosted, hosted
    from chainwatch.tracing.exposure import Exposure, exposure
    from chainwatch.tracing.follow import trace
    from chainwatch.tracing.trace import Trace
    from chainwatch.triage.desk import set_edition

__all__ = [
    "Asset",
    "BlockFiles",
    "Case",
    "Chain",
    "ChainwatchError",
    "Clusters",
    "Counterparties",
    "DumpMapping",
    "Exposure",
    "Hosted",
    "Ledger",
    "Links",
    "Tags",
    "Trace",
    "TransferDump",
    "chain",
    "cluster",
    "co_spends",
    "counterparties",
    "exposure",
    "hits",
    "hosted",
    "native",
    "open_ledger",
    "pull",
    "read_sanctions",
    "read_tags",
    "run_case",
    "set_edition",
    "tags_of",
    "token",
    "trace",
    "verify",
]

_HOMES = {
    "Asset": "assets",
    "BlockFiles": "sources.block_files",
    "Case": "case.case",
    "Chain": "chains",
    "ChainwatchError": "errors",
    "Clusters": "clusters.cluster",
    "Counterparties": "tracing.counterparties",
    "DumpMapping": "sources.dump_mapping",
    "Exposure": "tracing.exposure",
    "Hosted": "tracing.custody",
    "Ledger": "ledger.ledger",
    "Links": "heuristics.links",
    "Tags": "attribution.tags",
    "Trace": "tracing.trace",
    "TransferDump": "sources.dumps",
    "chain": "chains",
    "cluster": "clusters.cluster",
    "co_spends": "heuristics.ownership",
    "counterparties": "tracing.counterparties",
    "exposure": "tracing.exposure",
    "hits": "attribution.hits",
    "hosted": "tracing.custody",
    "native": "assets",
    "open_ledger": "ledger.ledger",
    "pull": "sources.base",
    "read_sanctions": "attribution.sanctions",
    "read_tags": "attribution.tags",
    "run_case": "case.run",
    "set_edition": "triage.desk",
    "tags_of": "attribution.tags",
    "token": "assets",
    "trace": "tracing.follow",
    "verify": "case.seal",
}
"""Where each public name lives, written out."""


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'chainwatch' has no attribute {name!r}")
    import_module("chainwatch.triage.desk")  # from now on results print as its edition allows
    found = getattr(import_module(f"chainwatch.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return the public names, for completion."""
    return sorted({*globals(), *__all__})
