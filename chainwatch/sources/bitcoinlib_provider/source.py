"""One block explorer read through bitcoinlib, which is kept to a folder and to that one endpoint.

This is the only module that imports bitcoinlib (AGPL-3.0), and it imports it on use. bitcoinlib
composes the questions and finds the way through the provider's answers. It opens no connection:
:mod:`chainwatch.sources.bitcoinlib_provider.requests` asks for it, and only what reads. Of its
results nothing is believed: transactions are parsed again from their bytes and proven against their
block.
"""

from __future__ import annotations

import atexit
import importlib.util
import logging
import os
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import polars as pl

from chainwatch.addresses import canonical
from chainwatch.bitcoin.hashes import hash_text
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import all_chains
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import ChainError, InputError, MissingExtra, SourceError
from chainwatch.ingest.known_history import held_histories, unlisted
from chainwatch.ingest.protocol import Batch, Reader, read_units
from chainwatch.ingest.reorg import MOST_RESTARTS, Known, Moved, Tip, stale_part
from chainwatch.ingest.targets import targets_of
from chainwatch.ledger.output_status import DENIED
from chainwatch.net.client import Client
from chainwatch.sources.bitcoinlib_provider.headers import ProviderChain
from chainwatch.sources.bitcoinlib_provider.history import Reading
from chainwatch.sources.bitcoinlib_provider.requests import PROVIDERS, Questions
from chainwatch.sources.parameters import (
    Addresses,
    Argument,
    Asked,
    OnlyInPython,
    Secret,
    Wanted,
)

if TYPE_CHECKING:
    import httpx2

Provider = Literal["blockbook", "blockstream", "mempool"]
"""Kinds of provider, as :mod:`chainwatch.sources.bitcoinlib_provider.requests` has them."""

_CONFIG = """[common]
service_caching_enabled=False
[logs]
enable_bitcoinlib_logging=False
loglevel=CRITICAL
"""

_lock = threading.Lock()
_homes: list[Path] = []


def confined(folder: str | Path | None = None) -> Path:
    """Import bitcoinlib so that it writes into one folder only and changes nothing else.

    Parameters
    ----------
    folder : path, optional
        A folder for it alone; a private temporary one, removed at exit, if not given.

    Returns
    -------
    Path
        The folder; the same at every call.

    Raises
    ------
    SourceError
        If something else imported bitcoinlib before, or it was confined to another folder.
    MissingExtra
        If bitcoinlib is not installed, or cannot run under the encoding of the system.
    """
    with _lock:
        if "bitcoinlib" in sys.modules:
            return _already(folder)
        spec = importlib.util.find_spec("bitcoinlib")
        if spec is None or not spec.submodule_search_locations:
            raise MissingExtra("this source needs bitcoinlib", remedy="install bitcoinlib")
        home = _prepare(folder, Path(spec.submodule_search_locations[0]))
        _import(home)
        _homes[:] = [home]
        return home


def _already(folder: str | Path | None) -> Path:
    """Return the folder of a bitcoinlib that is confined already."""
    config = sys.modules.get("bitcoinlib.config.config")
    if not _homes or getattr(config, "BCL_DATA_DIR", None) != _homes[0]:
        raise SourceError(
            "bitcoinlib was imported before it could be confined, and may keep its own files",
            remedy="use this source in a process that does not import bitcoinlib itself",
        )
    if folder is not None and Path(folder).resolve() != _homes[0]:
        raise SourceError("bitcoinlib is confined to another folder", remedy="give no folder")
    return _homes[0]


def _prepare(folder: str | Path | None, package: Path) -> Path:
    """Lay out what bitcoinlib looks for, so that it copies and writes nothing itself."""
    if folder is None:
        home = Path(tempfile.mkdtemp(prefix="chainwatch-bitcoinlib-")).resolve()
        atexit.register(shutil.rmtree, home, ignore_errors=True)
    else:
        home = Path(folder).resolve()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home / "install.log").write_text("confined by chainwatch\n", encoding="utf-8")
    (home / "config.ini").write_text(_CONFIG, encoding="utf-8")
    # No provider is named: the endpoint, which may hold a key, is handed over in memory, and a
    # call that looks for providers of its own finds nobody to ask.
    (home / "providers.json").write_text("{}\n", encoding="utf-8")
    shutil.copyfile(package / "data" / "networks.json", home / "networks.json")
    return home


def _import(home: Path) -> None:
    """Import bitcoinlib and undo what that changes for the rest of the process."""
    before = os.environ.get("BCL_DATA_DIR")
    log = logging.getLogger("bitcoinlib")
    log.propagate = False  # it would log what was asked
    log.addHandler(logging.NullHandler())
    os.environ["BCL_DATA_DIR"] = str(home)
    try:
        with warnings.catch_warnings():  # gives back the warnings that it turns off for all
            warnings.simplefilter("ignore")
            import bitcoinlib.services  # noqa: F401  # an import that the contract sees
    except OSError as error:
        for name in [name for name in sys.modules if name.partition(".")[0] == "bitcoinlib"]:
            del sys.modules[name]
        raise MissingExtra(
            f"bitcoinlib cannot start ({type(error).__name__})",
            remedy="it needs UTF-8: set PYTHONUTF8=1 and try again",
        ) from None
    finally:
        os.environ.pop("BCL_DATA_DIR", None)
        if before is not None:
            os.environ["BCL_DATA_DIR"] = before


def _client(provider: str, network: str, questions: Questions) -> Any:
    """Return bitcoinlib's client of one provider, without a way out of its own."""
    services = sys.modules["bitcoinlib.services"]
    made = getattr(getattr(services, provider), PROVIDERS[provider][0])(network, "", 1)
    made.request = questions.request
    made.strict = False  # what it cannot name it hands on; we name it
    made.isspent = lambda *_: None  # or it asks once for every output
    made.sendrawtransaction = _refuse
    made._address_convert = lambda text: SimpleNamespace(address=text, address_orig=text)
    return made


def _refuse(*_: object, **__: object) -> Any:
    raise SourceError(
        "chainwatch reads chains and writes to none", remedy="send transactions with a wallet"
    )


class BitcoinlibProvider:
    """The histories of addresses from one provider that bitcoinlib understands.

    Parameters
    ----------
    endpoint_url : str
        Base of its interface, such as ``https://explorer.example/api/v2`` for Blockbook.
    provider : str
        Whose interface it is.
    chain : Chain or str
        Alias or CAIP-2 id, of a chain that bitcoinlib knows.
    addresses : iterable of str or bytes
        Whose histories are read.
    own : bool
        The endpoint is the user's own machine.
    prevouts : bool
        Ask for each transaction that is spent from, so that inputs have value and address.
    api_key : str, optional
        Sent as the header ``Api-Key``, and shown nowhere.
    per_second : float, optional
        Requests a second; no limit for your own machine, else 4.
    folder : path, optional
        As :func:`confined` takes it.
    transport : httpx2.BaseTransport, optional
        As :class:`Client` takes it.

    Notes
    -----
    A stranger's server learns which addresses you look at, all of an extended key's too.

    Examples
    --------
    chainwatch pull bitcoinlib https://explorer.example/api/v2 --provider blockbook
    --addresses-file seized.txt --ledger ledger

    Fails when
    ----------
    That a history is complete is the provider's word, checked only against the count it states.
    A block is proven to be one that was worked for, not to be of the best chain; of one that was
    merge-mined (Dogecoin), Blockbook does not tell the proof of work. Esplora transactions with
    more than 101 outputs cannot be read through bitcoinlib: the source ``esplora`` reads them.
    """

    name = "bitcoinlib"
    unknown = ("inputs.prev_tx",)

    def __init__(
        self, endpoint_url: Annotated[str, Argument(), Asked()],
        provider: Provider = "blockstream", *, chain: Chain | str = "btc",
        addresses: Annotated[Iterable[str | bytes], Argument(), Addresses(), Wanted()] = (),
        own: bool = False, prevouts: bool = True,
        api_key: Annotated[str | None, Secret()] = None, per_second: float | None = None,
        folder: Annotated[str | Path | None, OnlyInPython()] = None,
        transport: Annotated[httpx2.BaseTransport | None, OnlyInPython()] = None,
    ) -> None:  # fmt: skip
        self.network = chain_of(chain)
        theirs = self.network.bitcoinlib
        if theirs is None:
            known = ", ".join(item.alias for item in all_chains() if item.bitcoinlib)
            raise ChainError(f"bitcoinlib knows no {self.network.name}", remedy=f"it has {known}")
        if provider not in PROVIDERS:
            raise InputError(
                "a provider that is not read through bitcoinlib",
                remedy=f"name one of {', '.join(PROVIDERS)}; a node has a source of its own",
            )
        self.provider, self.prevouts, self._folder = provider, prevouts, folder
        self._theirs = theirs
        self._subjects = tuple(dict.fromkeys(_canonical(item, self.network) for item in addresses))
        headers = {"Api-Key": api_key} if api_key else None
        self._http = Client(
            endpoint_url, source=self.name, own=own, headers=headers, per_second=per_second,
            transport=transport,
        )  # fmt: skip

    def __repr__(self) -> str:
        return (
            f"BitcoinlibProvider({self._http.host}, {self.provider}, chain={self.network.alias!r}, "
            f"{len(self._subjects)} addresses)"
        )

    @property
    def chain(self) -> str:
        """CAIP-2 id of the chain."""
        return self.network.id

    def batches(self, reader: Reader) -> Iterator[Batch]:
        """Yield one batch per address, as of the provider's tip when the first is read.

        Where its chain is no longer that of the ledger, what is stale is given up first.

        Raises
        ------
        ChainError
            If the provider is of another chain.
        NetworkRefused
            If the policy of the process forbids a question.
        SourceError, BlockError
            If an answer is missing, contradicts itself or cannot be proven.
        """
        if not self._subjects:
            return
        confined(self._folder)
        questions = Questions(self._http, PROVIDERS[self.provider][1])
        client = _client(self.provider, self._theirs, questions)
        best = ProviderChain(questions, self.network)
        known = Known(best, reader)
        for _ in range(MOST_RESTARTS):
            reading = Reading(self.name, best, client, prevouts=self.prevouts)
            tip = reading.tip
            best.check_network(tip.height)
            stale = stale_part(known, Tip(tip.height, tip.hash, tip.height))
            if stale is not None:
                yield stale
            try:
                yield from self._histories(reading, known)
                return
            except Moved:
                questions.answers.clear()
        raise SourceError(
            f"the chain was reorganised {MOST_RESTARTS} times while it was read",
            where=self._http.host,
            remedy="try again later, or ask another provider",
            passing=True,
        )

    def _histories(self, reading: Reading, known: Known) -> Iterator[Batch]:
        read, tip = read_units(known.reader, self.chain), reading.tip
        targets = targets_of(self._subjects, (), self.network)
        holds = held_histories(known, targets)
        for target in targets:
            unit, what = f"{target.key}/{hash_text(tip.hash)}", f"address {target.name}"
            if unit in read:
                yield Batch({}, (unit,), what)
                continue
            rows = reading.history(target.address or b"", unit)
            known.recent |= reading.recent
            listed = set(rows["transactions"]["txid"])
            notes = unlisted(target.name, holds[target.key], listed, tip.height)
            if notes:
                unit += f"/{DENIED}/{len(listed)}"
                partial = {"unit": pl.lit(unit), "complete": pl.lit(False)}
                rows["coverage"] = rows["coverage"].with_columns(**partial)
            yield Batch(rows, (unit,), what, tip=tip.hash, notes=tuple(notes))


def _canonical(item: str | bytes, chain: Chain) -> bytes:
    return canonical.parse(item if isinstance(item, str) else canonical.text(item, chain), chain)
