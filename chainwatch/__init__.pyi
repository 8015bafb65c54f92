"""The public names, each with the module that it lives in: the one list of them.

The package loads a name from its module when it is first used; type checkers read this file.
"""

from chainwatch import figures as figures
from chainwatch import heuristics as heuristics
from chainwatch import sources as sources
from chainwatch import tracing as tracing
from chainwatch.addresses.assets import Asset as Asset
from chainwatch.addresses.assets import native as native
from chainwatch.addresses.assets import token as token
from chainwatch.attribution.hits import hits as hits
from chainwatch.attribution.sanctions import read_sanctions as read_sanctions
from chainwatch.attribution.tags import Tags as Tags
from chainwatch.attribution.tags import read_tags as read_tags
from chainwatch.attribution.tags import tags_of as tags_of
from chainwatch.case.case import Case as Case
from chainwatch.case.recipes.run import run_case as run_case
from chainwatch.case.seal import verify as verify
from chainwatch.chains.base import Chain as Chain
from chainwatch.chains.catalogue import chain as chain
from chainwatch.clusters.apart import Apart as Apart
from chainwatch.clusters.apart import keep_apart as keep_apart
from chainwatch.clusters.cluster import Clusters as Clusters
from chainwatch.clusters.cluster import cluster as cluster
from chainwatch.clusters.compare import compare as compare
from chainwatch.clusters.recipe import Recipe as Recipe
from chainwatch.clusters.recipe import owners as owners
from chainwatch.errors import ChainwatchError as ChainwatchError
from chainwatch.heuristics.ask import Answers as Answers
from chainwatch.heuristics.ask import ask as ask
from chainwatch.heuristics.change.links import change_links as change_links
from chainwatch.heuristics.co_spend import co_spends as co_spends
from chainwatch.heuristics.coinjoin.mixes import Mixes as Mixes
from chainwatch.heuristics.coinjoin.mixes import mixes as mixes
from chainwatch.heuristics.links import Links as Links
from chainwatch.heuristics.links import stated_links as stated_links
from chainwatch.heuristics.same_key import same_key as same_key
from chainwatch.ingest.pull import pull as pull
from chainwatch.ingest.xpub import addresses_of_xpub as addresses_of_xpub
from chainwatch.ledger.checks.check import check as check
from chainwatch.ledger.coverage import coverage as coverage
from chainwatch.ledger.index.index import build_index as build_index
from chainwatch.ledger.ledger import Ledger as Ledger
from chainwatch.ledger.ledger import open_ledger as open_ledger
from chainwatch.ledger.lookup.lookup import show as show
from chainwatch.net.policy import use_network as use_network
from chainwatch.privacy.session import set_edition as set_edition
from chainwatch.results.text_frame import plain as plain
from chainwatch.sources.bitcoin_core.rest import BitcoinRest as BitcoinRest
from chainwatch.sources.bitcoin_core.rpc import BitcoinRpc as BitcoinRpc
from chainwatch.sources.bitcoin_etl.source import EtlJson as EtlJson
from chainwatch.sources.bitcoinlib_provider.source import BitcoinlibProvider as BitcoinlibProvider
from chainwatch.sources.block_files import BlockFiles as BlockFiles
from chainwatch.sources.electrum.source import Electrum as Electrum
from chainwatch.sources.esplora.source import Esplora as Esplora
from chainwatch.sources.node_folder.source import NodeFolder as NodeFolder
from chainwatch.sources.transfer_dump.mapping import DumpMapping as DumpMapping
from chainwatch.sources.transfer_dump.source import TransferDump as TransferDump
from chainwatch.tracing.actions.by_hand import by_hand as by_hand
from chainwatch.tracing.actions.sheet import ActionSheet as ActionSheet
from chainwatch.tracing.actions.sheet import action_sheet as action_sheet
from chainwatch.tracing.actions.watch import watch as watch
from chainwatch.tracing.counterparties import Counterparties as Counterparties
from chainwatch.tracing.counterparties import counterparties as counterparties
from chainwatch.tracing.custody import Hosted as Hosted
from chainwatch.tracing.custody import hosted as hosted
from chainwatch.tracing.exposure import Exposure as Exposure
from chainwatch.tracing.exposure import exposure as exposure
from chainwatch.tracing.ranges.range_result import TraceRange as TraceRange
from chainwatch.tracing.ranges.trace_all import trace_all as trace_all
from chainwatch.tracing.result import Trace as Trace
from chainwatch.tracing.trace import trace as trace
from chainwatch.tracing.whole_chain.taint import Taint as Taint
from chainwatch.tracing.whole_chain.taint import taint as taint

__version__: str
