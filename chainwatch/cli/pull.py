"""Commands of ``chainwatch pull`` that read nodes, explorers, Electrum servers and exports.

They choose a source and hand it to the library. Passwords and keys are read from the environment,
a keyring, a cookie file or a prompt; a command line is seen by others, and so takes none.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainwatch.cli.options import (
    ChainOption,
    EveryOption,
    FollowOption,
    HostsOption,
    LedgerOption,
    MostOption,
    OfflineOption,
    OwnOption,
    RateOption,
    SecretOption,
    SpanOption,
    asking,
    checked_place,
    checked_url,
    headers_of,
    hosts_of,
    server_of,
    span_of,
)
from chainwatch.cli.targets import (
    AddressesArgument,
    AddressesFile,
    BranchOption,
    GapOption,
    KindOption,
    Subjects,
    XpubFile,
    XpubPrompt,
    pull_subjects,
)
from chainwatch.errors import InputError

if TYPE_CHECKING:
    from chainwatch.ingest.protocol import Source

EVERY = 30.0


def add_to(pull_app: typer.Typer) -> None:
    """Add the commands of this module to ``chainwatch pull``, and the options before them."""
    pull_app.callback()(policy)
    commands: dict[str, Callable[..., None]] = {
        "esplora": esplora, "electrum": electrum, "rpc": rpc, "rest": rest,
        "node-folder": node_folder, "etl": etl,
    }  # fmt: skip
    for name, command in commands.items():
        pull_app.command(name)(command)


def policy(
    context: typer.Context, offline: OfflineOption = False, only_hosts: HostsOption = ""
) -> None:
    """Read chain data into a ledger.

    What a command asks of third parties stands in LEDGER.disclosures.jsonl beside it.
    """
    from chainwatch.net.policy import use_network

    context.with_resource(use_network(offline=offline, only_hosts=hosts_of(only_hosts)))


def esplora(
    url: Annotated[str, typer.Argument(help="Base of the API.")],
    ledger: LedgerOption,
    addresses: AddressesArgument = None,
    addresses_file: AddressesFile = None,
    xpub_file: XpubFile = None,
    xpub: XpubPrompt = False,
    gap: GapOption = 20,
    kinds: KindOption = None,
    branches: BranchOption = None,
    transactions: Annotated[
        list[str] | None, typer.Option("--transaction", help="Id of a single transaction.")
    ] = None,
    span: SpanOption = "",
    header: Annotated[
        list[str] | None,
        typer.Option("--header", help="A header with a key: NAME=env:VARIABLE or keyring:SERVICE."),
    ] = None,
    chain: ChainOption = "btc",
    own: OwnOption = False,
    max_transactions: MostOption = 10_000,
    per_second: RateOption = None,
    offline: OfflineOption = False,
    only_hosts: HostsOption = "",
    follow: FollowOption = False,
    every: EveryOption = EVERY,
) -> None:
    """Read histories, transactions or blocks from an Esplora server, such as mempool.space.

    A stranger's server learns which addresses you look at, all of an extended key's too; what it
    was asked stands in LEDGER.disclosures.jsonl. Others on this machine see a command line: to
    them a file of addresses tells nothing.

    Example: chainwatch pull esplora https://mempool.space/api --addresses-file seized.txt
    --ledger ledger
    """
    from chainwatch.sources.esplora.source import Esplora

    checked_url(url)
    subjects = Subjects.of(addresses, addresses_file, xpub_file, xpub, gap, kinds, branches)
    heights = span_of(span)
    if not subjects and not transactions and not heights:
        remedy = "name addresses, --span or --transaction"
        raise InputError("nothing to read was named", remedy=remedy)

    def source(wanted: list[bytes]) -> Source:
        return Esplora(
            url, wanted, transactions=transactions or (), span=heights, chain=chain,
            own=own or None, headers=headers_of(header or []), max_transactions=max_transactions,
            per_second=per_second,
        )  # fmt: skip

    with asking(ledger, offline=offline, only_hosts=only_hosts):
        pull_subjects(ledger, source, subjects, chain, follow=follow, every=every)


def electrum(
    server: Annotated[str, typer.Argument(help="HOST:PORT.")],
    ledger: LedgerOption,
    addresses: AddressesArgument = None,
    addresses_file: AddressesFile = None,
    xpub_file: XpubFile = None,
    xpub: XpubPrompt = False,
    gap: GapOption = 20,
    kinds: KindOption = None,
    branches: BranchOption = None,
    tls: Annotated[
        bool | None, typer.Option("--tls/--plain", help="TLS; unless the server is your own.")
    ] = None,
    fingerprint: Annotated[
        str | None, typer.Option(help="SHA-256 of the server's certificate; implies --tls.")
    ] = None,
    chain: ChainOption = "btc",
    own: OwnOption = False,
    max_transactions: MostOption = 50_000,
    per_second: RateOption = None,
    offline: OfflineOption = False,
    only_hosts: HostsOption = "",
    follow: FollowOption = False,
    every: EveryOption = EVERY,
) -> None:
    """Read histories of addresses from an Electrum server, every transaction proven.

    A stranger's server learns which addresses you look at, all of an extended key's too; what it
    was asked stands in LEDGER.disclosures.jsonl. Others on this machine see a command line: to
    them a file of addresses tells nothing.

    Example: chainwatch pull electrum 127.0.0.1:50001 --addresses-file seized.txt --ledger ledger
    """
    from chainwatch.sources.electrum.source import Electrum

    host, port = server_of(server)
    subjects = Subjects.of(addresses, addresses_file, xpub_file, xpub, gap, kinds, branches)
    if not subjects:
        raise InputError("no addresses were named", remedy="name some, or a file of them")

    def source(wanted: list[bytes]) -> Source:
        return Electrum(
            host, port, tls=tls, fingerprint=fingerprint, addresses=wanted, chain=chain,
            own=own or None, max_transactions=max_transactions, per_second=per_second,
        )  # fmt: skip

    with asking(ledger, offline=offline, only_hosts=only_hosts):
        pull_subjects(ledger, source, subjects, chain, follow=follow, every=every)


def rpc(
    ledger: LedgerOption,
    url: Annotated[str, typer.Argument(help="The node's.")] = "http://127.0.0.1:8332",
    cookie: Annotated[Path | None, typer.Option(help="The node's .cookie file.")] = None,
    user: Annotated[str | None, typer.Option(help="Instead of a cookie.")] = None,
    password: SecretOption = None,
    span: SpanOption = "",
    chain: ChainOption = "btc",
    own: OwnOption = False,
    per_second: RateOption = None,
    offline: OfflineOption = False,
    only_hosts: HostsOption = "",
    follow: FollowOption = False,
    every: EveryOption = EVERY,
) -> None:
    """Read blocks from a node by JSON-RPC.

    Example: chainwatch pull rpc --cookie ~/.bitcoin/.cookie --span 800000:800100 --ledger ledger
    """
    from chainwatch.sources.bitcoin_core.rpc import BitcoinRpc

    checked_url(url)
    place = None if password is None else checked_place(password, "--password")
    heights = span_of(span)

    def source(_: list[bytes]) -> Source:
        return BitcoinRpc(
            url, cookie=cookie, user=user, password=place, chain=chain, span=heights,
            own=own or None, per_second=per_second,
        )  # fmt: skip

    with asking(ledger, offline=offline, only_hosts=only_hosts):
        pull_subjects(ledger, source, Subjects(), chain, follow=follow, every=every)


def rest(
    ledger: LedgerOption,
    url: Annotated[str, typer.Argument(help="The node's.")] = "http://127.0.0.1:8332",
    span: SpanOption = "",
    chain: ChainOption = "btc",
    own: OwnOption = False,
    per_second: RateOption = None,
    offline: OfflineOption = False,
    only_hosts: HostsOption = "",
    follow: FollowOption = False,
    every: EveryOption = EVERY,
) -> None:
    """Read blocks from a node by REST (it runs with -rest=1), without a password.

    Example: chainwatch pull rest http://127.0.0.1:8332 --span 800000: --follow --ledger ledger
    """
    from chainwatch.sources.bitcoin_core.rest import BitcoinRest

    checked_url(url)
    heights = span_of(span)

    def source(_: list[bytes]) -> Source:
        return BitcoinRest(url, chain=chain, span=heights, own=own or None, per_second=per_second)

    with asking(ledger, offline=offline, only_hosts=only_hosts):
        pull_subjects(ledger, source, Subjects(), chain, follow=follow, every=every)


def node_folder(
    folder: Annotated[Path, typer.Argument(help="Data folder of a node, or its blocks.")],
    ledger: LedgerOption,
    workers: Annotated[int, typer.Option(help="Pieces that are read at once.", min=1)] = 1,
    chain: ChainOption = "btc",
    follow: FollowOption = False,
    every: EveryOption = EVERY,
) -> None:
    """Read the best chain from the folder of a node, which need not run.

    Example: chainwatch pull node-folder ~/.bitcoin --workers 4 --ledger ledger
    """
    from chainwatch.sources.node_folder.source import NodeFolder

    def source(_: list[bytes]) -> Source:
        return NodeFolder(folder, chain=chain, workers=workers)

    pull_subjects(ledger, source, Subjects(), chain, follow=follow, every=every)


def etl(
    ledger: LedgerOption,
    transactions: Annotated[
        list[Path], typer.Option("--transactions", help="File of transactions; may be repeated.")
    ],
    blocks: Annotated[
        list[Path], typer.Option("--blocks", help="File of blocks; may be repeated.")
    ],
    chain: ChainOption = "btc",
) -> None:
    """Read what bitcoin-etl exported as JSON.

    Example: chainwatch pull etl --transactions transactions.json --blocks blocks.json
    --ledger ledger
    """
    from chainwatch.sources.bitcoin_etl.source import EtlJson

    def source(_: list[bytes]) -> Source:
        return EtlJson(transactions, blocks, chain=chain)

    pull_subjects(ledger, source, Subjects(), chain, follow=False, every=EVERY)
