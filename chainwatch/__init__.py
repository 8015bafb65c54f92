"""chainwatch: follow illicit money across public blockchains, and prove every step.

First steps::

    import chainwatch as cw
    from chainwatch.heuristics.coinjoin import equal_outputs

    cw.pull("ledger", cw.BlockFiles("blocks.dat", chain="btc"))  # read; again: only what is new
    ledger = cw.open_ledger("ledger")
    tags = cw.read_tags("tags")  # TagPacks, or a plain list with chain=
    cw.hits(ledger, tags).plain()  # payments to and from tagged addresses

    owners = cw.cluster(cw.co_spends(ledger), tags=tags)
    owners.plain()  # who belongs together, as text; owners.why(a, b) says why

    followed = cw.trace(ledger, "bc1...", policy="fifo", stop=tags, clusters=owners)
    followed.summary()  # where the money ended, and for what reason
    cw.exposure(followed, tags)  # how much reached whom that tags name

On account chains read a table with ``TransferDump`` and a ``DumpMapping``, name the ``asset``
(``native("eth")`` or ``token(...)``), and ask for ``counterparties`` and ``hosted`` too. A whole
case, from its file to sealed folders, is ``run_case`` or ``chainwatch run``; ``verify`` proves that
a written folder is unchanged. Results mask bystanders until ``set_edition("working", reason=...)``.

Each result is frozen: ``.frame`` holds its rows as polars, addresses in them as canonical bytes,
``.record`` and ``.lineage()`` say how it came about. Importing loads nothing heavy: each name is
loaded when it is first used, and ``help(chainwatch.trace)`` explains it.
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
    from chainwatch.ledger.index import build_index
    from chainwatch.ledger.ledger import Ledger, open_ledger
    from chainwatch.sources.base import pull
    from chainwatch.sources.bitcoin_rest import BitcoinRest
    from chainwatch.sources.bitcoin_rpc import BitcoinRpc
    from chainwatch.sources.bitcoinlib_providers import BitcoinlibProvider
    from chainwatch.sources.block_files import BlockFiles
    from chainwatch.sources.dump_mapping import DumpMapping
    from chainwatch.sources.dumps import TransferDump
    from chainwatch.sources.electrum import Electrum
    from chainwatch.sources.esplora import Esplora
    from chainwatch.sources.etl_json import EtlJson
    from chainwatch.sources.extended_keys import addresses_of_xpub
    from chainwatch.sources.network import use_network
    from chainwatch.sources.node_folder import NodeFolder
    from chainwatch.tracing.counterparties import Counterparties, counterparties
    from chainwatch.tracing.custody import Hosted, hosted
    from chainwatch.tracing.exposure import Exposure, exposure
    from chainwatch.tracing.follow import trace
    from chainwatch.tracing.trace import Trace
    from chainwatch.triage.desk import set_edition

__all__ = [
    "Asset",
    "BitcoinRest",
    "BitcoinRpc",
    "BitcoinlibProvider",
    "BlockFiles",
    "Case",
    "Chain",
    "ChainwatchError",
    "Clusters",
    "Counterparties",
    "DumpMapping",
    "Electrum",
    "Esplora",
    "EtlJson",
    "Exposure",
    "Hosted",
    "Ledger",
    "Links",
    "NodeFolder",
    "Tags",
    "Trace",
    "TransferDump",
    "addresses_of_xpub",
    "build_index",
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
    "use_network",
    "verify",
]

_HOMES = {
    "Asset": "assets",
    "BitcoinRest": "sources.bitcoin_rest",
    "BitcoinRpc": "sources.bitcoin_rpc",
    "BitcoinlibProvider": "sources.bitcoinlib_providers",
    "BlockFiles": "sources.block_files",
    "Case": "case.case",
    "Chain": "chains",
    "ChainwatchError": "errors",
    "Clusters": "clusters.cluster",
    "Counterparties": "tracing.counterparties",
    "DumpMapping": "sources.dump_mapping",
    "Electrum": "sources.electrum",
    "Esplora": "sources.esplora",
    "EtlJson": "sources.etl_json",
    "Exposure": "tracing.exposure",
    "Hosted": "tracing.custody",
    "Ledger": "ledger.ledger",
    "Links": "heuristics.links",
    "NodeFolder": "sources.node_folder",
    "Tags": "attribution.tags",
    "Trace": "tracing.trace",
    "TransferDump": "sources.dumps",
    "addresses_of_xpub": "sources.extended_keys",
    "build_index": "ledger.index",
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
    "use_network": "sources.network",
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
    return sorted(__all__)
