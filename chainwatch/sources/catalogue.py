"""The catalogue of sources: a name, where its class lives, and one sentence; loaded on use.

The command line, the case file, its schema and ``docs/sources.md`` are made of these lines and of
the parameters of the classes that they name, and of nothing else. The list is in the order of the
alphabet. A source of one's own is added by :func:`register`.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from chainwatch.errors import InputError
from chainwatch.sources.documentation import plain, sections
from chainwatch.sources.parameters import (
    Addresses,
    Asked,
    Grows,
    OnlyInPython,
    Parameter,
    parameters_of,
)

LEDGER = "ledger"
"""What a case file calls a ledger that exists; no source has this name."""

RESERVED = frozenset({
    "kind", "ledger", "offline", "only_hosts", "follow", "every", "help",
    "addresses_file", "xpub_file", "xpub", "gap", "kinds", "branches",
})  # fmt: skip
"""Names that every command, or every key file, has a meaning for already."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Entry:
    """A line of the catalogue.

    Attributes
    ----------
    name : str
        What is typed after ``chainwatch pull``, and the ``kind`` of a case file.
    target : str or type
        ``module:Class``, or the class itself.
    sentence : str
        What it reads.
    """

    name: str
    target: str | type
    sentence: str

    @property
    def place(self) -> str:
        """The class as ``module:Class``."""
        if isinstance(self.target, str):
            return self.target
        return f"{self.target.__module__}:{self.target.__qualname__}"

    def load(self) -> type[Any]:
        """Return the class.

        Raises
        ------
        InputError
            If there is none at the place that is named, or it is no source.
        """
        found: object = self.target
        if isinstance(found, str):
            home, _, name = found.partition(":")
            try:
                found = getattr(import_module(home), name)
            except (ImportError, AttributeError) as error:
                raise InputError(
                    f"the source {self.name!r} cannot be loaded from {self.place} ({error})",
                    remedy="register it with a class, or with 'module:Class' that can be imported",
                ) from error
        if not isinstance(found, type) or not callable(getattr(found, "batches", None)):
            raise InputError(
                f"{self.place} is no source",
                remedy="name a class with a name, a chain and batches(reader)",
            )
        return found

    def parameters(self) -> tuple[Parameter, ...]:
        """Return what can be written down of its constructor's parameters, in their order."""
        return tuple(item for item in self.all_parameters() if item.mark(OnlyInPython) is None)

    def all_parameters(self) -> tuple[Parameter, ...]:
        """Return the parameters of its constructor.

        Raises
        ------
        InputError
            If one has a name that every command has a meaning for, or cannot be written down.
        """
        source = self.load()
        if source not in _READ:
            _READ[source] = _checked(source)
        return _READ[source]

    def text(self, section: str = "") -> str:
        """Return a section of the docstring of its class as plain text; '' is its head."""
        return plain(sections(inspect.getdoc(self.load()) or "").get(section, ""))

    @property
    def server(self) -> Parameter | None:
        """The parameter that says whom it asks, if it asks anybody."""
        return next((item for item in self.parameters() if item.mark(Asked)), None)

    @property
    def addresses(self) -> Parameter | None:
        """The parameter that says whose histories are read, if it reads such."""
        return next((item for item in self.parameters() if item.mark(Addresses)), None)

    @property
    def grows(self) -> bool:
        """Whether what it reads goes on growing, so that it can be followed."""
        return self.server is not None or any(item.mark(Grows) for item in self.parameters())


_READ: dict[type[Any], tuple[Parameter, ...]] = {}
"""Parameters of the classes that were looked at."""


def _checked(source: type[Any]) -> tuple[Parameter, ...]:
    found = parameters_of(source)
    names = [item.name for item in found]
    taken = [name for name in names if name in RESERVED or name.startswith("_")]
    if taken:
        raise InputError(
            f"the parameter {taken[0]!r} of {source.__name__} has a name that is taken",
            remedy="call it otherwise: every command has an option of this name",
        )
    if any(item.mark(Addresses) for item in found) and "chain" not in names:
        raise InputError(
            f"{source.__name__} takes addresses and no chain",
            remedy="give it a parameter chain: an address is one of a chain",
        )
    return found


ENTRIES = (
    Entry(
        "bitcoinlib", "chainwatch.sources.bitcoinlib_provider.source:BitcoinlibProvider",
        "Read histories of addresses from one block explorer, through bitcoinlib.",
    ),
    Entry(
        "block-files", "chainwatch.sources.block_files:BlockFiles",
        "Read block files into a ledger; what was read before is left out.",
    ),
    Entry(
        "electrum", "chainwatch.sources.electrum.source:Electrum",
        "Read histories of addresses from an Electrum server, every transaction proven.",
    ),
    Entry(
        "esplora", "chainwatch.sources.esplora.source:Esplora",
        "Read histories, transactions or blocks from an Esplora server, such as mempool.space.",
    ),
    Entry(
        "etl", "chainwatch.sources.bitcoin_etl.source:EtlJson",
        "Read what bitcoin-etl exported as JSON.",
    ),
    Entry(
        "evm", "chainwatch.sources.evm.source:EvmBlocks",
        "Read blocks of Ethereum or another EVM chain from a node by JSON-RPC.",
    ),
    Entry(
        "explorer", "chainwatch.sources.explorer.source:Explorer",
        "Read histories of accounts of EVM chains from Etherscan, Blockscout and their like.",
    ),
    Entry(
        "node-folder", "chainwatch.sources.node_folder.source:NodeFolder",
        "Read the best chain from the folder of a node, which need not run.",
    ),
    Entry(
        "price-server", "chainwatch.sources.prices.server:PriceServer",
        "Read fiat prices by day or hour from a server, such as CoinGecko or Kraken.",
    ),
    Entry(
        "prices", "chainwatch.sources.prices.source:PriceTable",
        "Read a table of fiat prices by day or hour, to say what amounts were worth.",
    ),
    Entry(
        "rest", "chainwatch.sources.bitcoin_core.rest:BitcoinRest",
        "Read blocks from a node by REST (it runs with -rest=1), without a password.",
    ),
    Entry(
        "rpc", "chainwatch.sources.bitcoin_core.rpc:BitcoinRpc",
        "Read blocks from a node by JSON-RPC.",
    ),
    Entry(
        "table", "chainwatch.sources.tables.source:KnownTable",
        "Read a table whose header is known: public dumps, and what explorers export.",
    ),
    Entry(
        "transfers", "chainwatch.sources.transfer_dump.source:TransferDump",
        "Read a table of transfers of an account chain, such as an explorer's export.",
    ),
    Entry(
        "tron-node", "chainwatch.sources.tron.node:TronNode",
        "Read blocks from a node of Tron: what accounts did, tokens, and what issuers froze.",
    ),
    Entry(
        "trongrid", "chainwatch.sources.tron.source:TronGrid",
        "Read histories of accounts of Tron from TronGrid.",
    ),
)  # fmt: skip
"""Every source of the package, in the order of the alphabet."""

REGISTERED: dict[str, Entry] = {}
"""Sources that others added, by name."""


def entries() -> tuple[Entry, ...]:
    """Return all lines of the catalogue by name, those that others registered among them."""
    return tuple(sorted((*ENTRIES, *REGISTERED.values()), key=lambda entry: entry.name))


def entry(name: str) -> Entry:
    """Return the line of a name.

    Raises
    ------
    InputError
        If there is none; a name that was meant perhaps is said.
    """
    known = {item.name: item for item in entries()}
    if name not in known:
        close = get_close_matches(name, known, n=1)
        meant = f"perhaps {close[0]!r} is meant" if close else f"there are {', '.join(known)}"
        raise InputError(f"there is no source {name!r}", remedy=meant)
    return known[name]


def register(name: str, target: str | type, sentence: str) -> None:
    """Add a source to the command line, the case file, its schema and the documentation.

    Parameters
    ----------
    name : str
        What is typed: small letters and digits, words joined by ``-``.
    target : str or type
        ``module:Class``, loaded on use, or the class itself: a source as
        :class:`chainwatch.ingest.protocol.Source` describes it. What its constructor takes is
        annotated as in :mod:`chainwatch.sources.parameters`, and told in its docstring.
    sentence : str
        What it reads, for lists of commands.

    Raises
    ------
    InputError
        If the name is none or belongs to another source, or the class is no source.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} is no name of a source",
            remedy="write small letters and digits, words joined by -, as in my-source",
        )
    if not isinstance(sentence, str) or not sentence.strip():
        raise InputError(f"the source {name!r} lacks a sentence", remedy="say what it reads")
    made = Entry(name, target, " ".join(sentence.split()))
    held = next((item for item in entries() if item.name == name), None)
    if name == LEDGER or (held is not None and held.place != made.place):
        whose = f"that of {held.place}" if held else "what a case file calls a ledger"
        raise InputError(
            f"the name {name!r} is taken: it is {whose}", remedy="register it under another name"
        )
    if not isinstance(target, str):
        made.all_parameters()  # what is wrong with a class at hand is said now
    if held not in ENTRIES:
        REGISTERED[name] = made
