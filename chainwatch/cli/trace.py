"""Commands that follow value: ``trace``, ``exposure`` and ``action-sheet``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import chainwatch as cw
from chainwatch.cli.options import HostsOption, LedgerOption, asking
from chainwatch.cli.output import interruptible, names_in, say, show
from chainwatch.errors import CaseError, InputError
from chainwatch.progress import watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainwatch.addresses.assets import Asset
    from chainwatch.attribution.tags import Tags
    from chainwatch.ingest.protocol import Source
    from chainwatch.ledger.ledger import Ledger
    from chainwatch.results.result import Result
    from chainwatch.tracing.result import Trace

SubjectsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="SUBJECT", help="Addresses, outputs or transfers TXID:N, transactions TXID."
    ),
]
PolicyOption = Annotated[
    str | None,
    typer.Option("--policy", help="How balances are divided, such as fifo; there is no default."),
]
DirectionOption = Annotated[
    str, typer.Option("--direction", help="forward, to where it went; or backward.")
]
StopOption = Annotated[
    list[Path] | None,
    typer.Option("--stop", help="Tags: value ends at their services. May be repeated."),
]
ChainOption = Annotated[
    str | None, typer.Option("--chain", help="Alias or CAIP-2 id, where it is in doubt.")
]
AssetOption = Annotated[
    str | None,
    typer.Option("--asset", help="On account chains: native, or CONTRACT,SYMBOL,DECIMALS."),
]
HopsOption = Annotated[
    int | None, typer.Option("--max-hops", help="End after so many payments from the subject.")
]
LeastOption = Annotated[
    int, typer.Option("--min-amount", help="End below so many base units, such as satoshi.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="New folder for tables, picture and report.")
]
EditionOption = Annotated[
    str, typer.Option("--edition", help="Of the folder: disclosure masks bystanders, or working.")
]
FetchOption = Annotated[
    str | None,
    typer.Option(
        "--fetch", help="Server asked for what the ledger lacks: Esplora, TronGrid, an explorer."
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option("--key", help="Where the server's key is kept: env:NAME or keyring:SERVICE."),
]
BudgetOption = Annotated[
    int, typer.Option("--budget", help="Requests that it may be asked.", min=1)
]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why the working edition is needed.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (trace, exposure, action_sheet):
        app.command()(command)


def trace(
    subjects: SubjectsArgument,
    ledger: LedgerOption,
    policy: PolicyOption = None,
    all_policies: Annotated[
        bool,
        typer.Option("--all-policies", help="Follow under each: a range, no confidence interval."),
    ] = False,
    direction: DirectionOption = "forward",
    stop: StopOption = None,
    chain: ChainOption = None,
    asset: AssetOption = None,
    max_hops: HopsOption = None,
    min_amount: LeastOption = 0,
    out: OutOption = None,
    edition: EditionOption = "disclosure",
    reason: ReasonOption = "",
    fetch: FetchOption = None,
    key: KeyOption = None,
    budget: BudgetOption = 100,
    only_hosts: HostsOption = "",
) -> None:
    """Follow what subjects received to where it ended, or backward to where it came from.

    With --fetch what the ledger lacks is asked for as the trace goes; a ledger that does not
    exist is made. What a third party was asked stands in LEDGER.disclosures.jsonl.

    Example: chainwatch trace bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0 --policy fifo
    --stop out/otter/data/tags --ledger out/otter/ledger --out out/followed
    """
    with interruptible("interrupted; nothing was written"):
        _check_edition(out, edition, reason)
        if fetch and all_policies:
            raise InputError("--fetch and --all-policies", remedy="fetch by one policy first")
        read = _open(ledger, new=fetch is not None)
        tags = _tags(stop, chain)
        given = _given(read, direction, chain, asset, max_hops, min_amount)
        given["stop"] = tags.services() if tags else None
        _check_choice(policy, read, given, every=all_policies)
        if fetch:
            given |= {"fetch": _asked_of(fetch, given["chain"], key), "budget": budget}
        with asking(ledger, only_hosts=only_hosts), watched("following"):
            verb: Any = cw.trace_all if all_policies else cw.trace
            found = verb(read, subjects, **given, **({} if all_policies else {"policy": policy}))
        show(found)
        if fetch:
            read = found.fetched.ledger
        for line in _asked(found):
            say(line)
        if out:
            say(f"{edition}: {_write(out, read, found, edition=edition, reason=reason)}")


def exposure(
    subjects: SubjectsArgument,
    ledger: LedgerOption,
    tags: Annotated[
        list[Path] | None,
        typer.Option("--tags", help="Tags: whom to look for. May be repeated."),
    ] = None,
    policy: PolicyOption = None,
    stop: StopOption = None,
    chain: ChainOption = None,
    asset: AssetOption = None,
    max_hops: HopsOption = None,
    min_amount: LeastOption = 0,
    out: OutOption = None,
    edition: EditionOption = "disclosure",
    reason: ReasonOption = "",
) -> None:
    """Sum up how much of what subjects received reached those whom tags name.

    Value ends at the services of --stop, or else at those of --tags.

    Example: chainwatch exposure bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0 --policy haircut
    --tags out/otter/data/tags --ledger out/otter/ledger
    """
    with interruptible("interrupted; nothing was written"):
        read, named = _open(ledger), _tags(tags, chain)
        if named is None:
            raise InputError("no tags were named", remedy="pass --tags")
        given = _given(read, "forward", chain, asset, max_hops, min_amount)
        given["stop"] = (_tags(stop, chain) or named).services()
        _check_choice(policy, read, given, every=False)
        _check_edition(out, edition, reason)
        with watched("following"):
            followed = cw.trace(read, subjects, policy=policy, **given)
            found = cw.exposure(followed, named)
        names = names_in([named])
        for row in found.plain().iter_rows(named=True):
            said = f"{row['actor']} ({row['concept'] or 'tagged without a concept'})"
            amounts = f"{row['arrived_coins']} arrived, {row['stayed_coins']} stayed"
            say(f"{said}: {amounts}, {row['hops']} or more hops away ({row['basis']})", names)
        show(found, names)
        if out:
            folder = _write(out, read, followed, found, edition=edition, reason=reason)
            say(f"{edition}: {folder}")


def action_sheet(
    subjects: SubjectsArgument,
    ledger: LedgerOption,
    tags: Annotated[
        list[Path] | None,
        typer.Option("--tags", help="Tags: value ends at their services. May be repeated."),
    ] = None,
    policy: PolicyOption = None,
    direction: DirectionOption = "forward",
    chain: ChainOption = None,
    asset: AssetOption = None,
    max_hops: HopsOption = None,
    min_amount: LeastOption = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="New folder: case/ with tables and report, and requests/."),
    ] = None,
    edition: EditionOption = "disclosure",
    reason: ReasonOption = "",
) -> None:
    """List where somebody could act on what subjects received, and sum up the rest by reason.

    With --out also a request to preserve records for each service, in clear: each is told its own
    addresses and the payments there, and nothing of anybody else.

    Example: chainwatch action-sheet bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0 --policy fifo
    --tags out/otter/data/tags --ledger out/otter/ledger --out out/acting
    """
    with interruptible("interrupted; nothing was written"):
        _check_edition(out, edition, reason)
        read, named = _open(ledger), _tags(tags, chain)
        given = _given(read, direction, chain, asset, max_hops, min_amount)
        given["stop"] = named.services() if named else None
        _check_choice(policy, read, given, every=False)
        with watched("following"):
            followed = cw.trace(read, subjects, policy=policy, **given)
            found = cw.action_sheet(followed, tags=named, ledger=read)
        show(found, names_in([named] if named else []))
        if out:
            _write_sheet(out, read, followed, found, edition=edition, reason=reason)
            say(f"{edition}: {out / CASE}")
            say(f"requests, in clear, each for its service alone: {out / REQUESTS}")


CASE, REQUESTS = "case", "requests"
"""Folders of an action sheet: the sealed case, and a text for each service."""


def _write_sheet(
    out: Path, ledger: Ledger, followed: Trace, found: cw.ActionSheet, *, edition: str, reason: str
) -> None:
    """Write the case, and the requests beside it: they are no part of what is sealed."""
    from chainwatch.atomic import write_new, write_whole

    def fill(place: Path) -> None:
        _write(place / CASE, ledger, followed, found, edition=edition, reason=reason)
        (place / REQUESTS).mkdir()
        for number, (service, said) in enumerate(found.requests().items(), 1):
            write_new(place / REQUESTS / f"{number:02}_{_file_name(service)}.md", said.encode())

    write_whole(out, fill)


def _file_name(service: str) -> str:
    """Return a name as a part of a file's name: letters and digits of any file system."""
    return re.sub(r"[^a-z0-9]+", "_", service.casefold()).strip("_")[:40] or "service"


def _open(ledger: Path, *, new: bool = False) -> Ledger:
    from chainwatch.ledger.ledger import open_ledger
    from chainwatch.ledger.storage.store import Store

    if new and not ledger.exists():
        Store.create(ledger)
    return open_ledger(ledger)


def _asked_of(url: str, chain: str | None, key: str | None) -> Callable[[list[bytes]], Source]:
    """Return what makes a source of the histories of addresses on a server, by their chain."""
    from chainwatch.net.credentials import password_of
    from chainwatch.sources.values import checked_place

    if chain is None:
        raise InputError("--fetch without a chain", remedy="name it with --chain")
    secret = password_of(checked_place(key, "--key"), "key") if key else None
    if cw.chain(chain).family == "tron":
        return lambda addresses: cw.TronGrid(url, addresses, chain=chain, key=secret)
    if cw.chain(chain).family == "evm":
        return lambda addresses: cw.Explorer(url, addresses, chain=chain, key=secret)
    if key:
        raise InputError("--key where no key is asked for", remedy="leave it out")
    return lambda addresses: cw.Esplora(url, addresses, chain=chain)


def _tags(files: list[Path] | None, chain: str | None) -> Tags | None:
    return cw.read_tags(files, chain=chain) if files else None


def _given(
    ledger: Ledger, direction: str, chain: str | None, asset: str | None, max_hops: int | None,
    min_amount: int,
) -> dict[str, Any]:  # fmt: skip
    """Return what both commands hand to the verb; the chain is that of a ledger of one."""
    chain = chain or (ledger.chains[0].id if len(ledger.chains) == 1 else None)
    return {
        "chain": chain, "asset": _asset(asset, chain), "direction": direction,
        "max_hops": max_hops, "min_amount": min_amount,
    }  # fmt: skip


def _asset(text: str | None, chain: str | None) -> Asset | None:
    """Return the asset that ``--asset`` says: the chain's own coin, or a token by its contract."""
    if text is None:
        return None
    if chain is None:
        raise InputError("--asset without a chain", remedy="name it with --chain")
    if text == "native":
        return cw.native(chain)
    contract, symbol, decimals = ([*text.split(","), "", ""])[:3]
    if text.count(",") != 2 or not contract or not symbol or not decimals.isdecimal():
        raise InputError(
            f"{text!r} names no asset",
            remedy="write --asset native, or --asset CONTRACT,SYMBOL,DECIMALS",
        )
    return cw.token(chain, contract, symbol, int(decimals))


def _check_choice(
    policy: str | None, ledger: Ledger, given: dict[str, Any], *, every: bool
) -> None:
    """Refuse what chooses no policy, or one beside all; say which there are, and why."""
    from chainwatch.tracing.arguments import policies_for
    from chainwatch.tracing.policies import POLICIES

    if every and policy:
        raise InputError(f"--policy {policy} and --all-policies", remedy="give one of them")
    if every or policy:
        return
    chains = {given["chain"] or one.id for one in ledger.chains}
    fit = [
        one.name
        for one in POLICIES
        if any(one in policies_for(chain, given["direction"]) for chain in sorted(chains))
    ]
    raise InputError(
        "no policy was chosen: which part of a mixed balance a payment is made of is not on the"
        " chain, and who reads the result must know what was assumed",
        remedy=f"write --policy with one of {', '.join(fit)}, or --all-policies",
    )


def _check_edition(out: Path | None, edition: str, reason: str) -> None:
    """Refuse what could not be written, before anything is followed."""
    from chainwatch.atomic import absolute, check_free
    from chainwatch.privacy.edition import EDITIONS

    if edition not in EDITIONS:
        raise InputError(
            f"unknown edition {edition!r}", remedy=f"write --edition {' or '.join(EDITIONS)}"
        )
    if edition == "working" and not reason.strip():
        raise CaseError(
            "the working edition masks nobody and was asked for without a reason",
            remedy="say it with --reason",
        )
    if out:
        check_free(absolute(out))


def _asked(found: Any) -> tuple[str, ...]:
    """Return what following was asked to stop at: the same under every policy."""
    one = found if isinstance(found, cw.Trace) else next(iter(found.traces.values()))
    return one.asked.said()


def _write(out: Path, ledger: Ledger, *found: Result, edition: str, reason: str) -> Path:
    """Write a case of what was found: every table, the flow picture and the report, sealed."""
    from chainwatch.figures import flow

    case = cw.Case(out.name, question="Where did the subjects' money go, or come from?")
    for one in found:
        case.add(one)
        for drawn in _drawn(one):
            case.add(flow(drawn, title=f"Followed by {drawn.policy}"))
    case.look_beside(ledger)
    return case.write(out, edition=edition, reason=reason)


def _drawn(found: Result) -> list[Trace]:
    """Return the traces that are drawn: itself, or of a range those that lie in it."""
    if isinstance(found, cw.TraceRange):
        return [found.traces[name] for name in found.compared]
    return [found] if isinstance(found, cw.Trace) else []
