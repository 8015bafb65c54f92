"""The command ``trace-across``: value followed to bridges, and on from their payouts elsewhere."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import chainwatch as cw
from chainwatch.cli.output import interruptible, say, show
from chainwatch.cli.routes.crossings import (
    AssetsOption,
    BridgeOption,
    BridgeTagsOption,
    FeeOption,
    LedgersOption,
    LogsOption,
    MessagesOption,
    WithinOption,
    assets_named,
    bridges_named,
    messages_in,
    one_asset,
)
from chainwatch.cli.trace import POLICIES_TOLD, DirectionOption, StopOption
from chainwatch.progress import watched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainwatch.attribution.tags import Tags
    from chainwatch.ledger.ledger import Ledger
    from chainwatch.tracing.crossings.across_result import TraceAcross


SubjectsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="SUBJECT", help="Addresses, outputs or transfers TXID:N, or TXID, of one chain."
    ),
]
OfOption = Annotated[
    str | None,
    typer.Option(
        "--of", metavar="CHAIN:ASSET", help="What is followed first, and where: eth:native."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("trace-across")(trace_across)


def trace_across(
    subjects: SubjectsArgument,
    ledger: LedgersOption,
    policy: Annotated[str | None, typer.Option("--policy", help=POLICIES_TOLD)] = None,
    of: OfOption = None,
    direction: DirectionOption = "forward",
    leads: Annotated[
        bool, typer.Option("--leads", help="Follow matches by amount and time too: leads.")
    ] = False,
    stop: StopOption = None,
    tags: BridgeTagsOption = None,
    bridge: BridgeOption = None,
    asset: AssetsOption = None,
    messages: MessagesOption = None,
    logs: LogsOption = None,
    within: WithinOption = 120,
    fee_at_most: FeeOption = "0.01",
    max_crossings: Annotated[
        int, typer.Option("--max-crossings", help="End after so many crossings.", min=0)
    ] = 8,
    out: Annotated[
        Path | None, typer.Option("--out", help="New folder for tables and report, masked.")
    ] = None,
) -> None:
    """Follow what subjects received to bridges, and on from the payouts that answer them.

    Amounts of several chains stand side by side and are never added up. Value ends at the services
    of --stop, or else of --tags; with --bridge alone name services by --stop.

    Example: chainwatch trace-across bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0 --policy fifo
    --bridge ferry=bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0 --ledger out/otter/ledger
    """
    if out:
        from chainwatch.atomic import absolute, check_free

        check_free(absolute(out))
    with interruptible("interrupted; nothing was written"):
        read = [cw.open_ledger(one) for one in ledger]
        who = bridges_named(tags, bridge, [chain for one in read for chain in one.chains])
        ends = _ends(stop, who)
        logged = messages_in(messages, logs, who)
        with watched("following"):
            known = cw.crossings(
                read, bridges=who, assets=assets_named(asset), messages=logged,
                within=timedelta(minutes=within), fee_at_most=fee_at_most,
            )  # fmt: skip
            found = cw.trace_across(
                read, subjects, known, policy=policy, direction=direction, leads=leads,
                stop=ends, asset=one_asset(of) if of else None, max_crossings=max_crossings,
            )  # fmt: skip
        for line in lines_of(found):
            say(line)
        show(found)
        if out:
            say(f"disclosure: {written(out, read, known, found)}")


def _ends(stop: Sequence[Path] | None, who: Tags | dict[str, Any]) -> Tags | None:
    """Return where value ends: at the services of --stop, or else at those of --tags."""
    if stop:
        return cw.read_tags(list(stop))
    return None if isinstance(who, dict) else who.services()


def written(out: Path, ledgers: Sequence[Ledger], known: cw.Crossings, found: TraceAcross) -> Path:
    """Write a case of what was found; return its folder.

    The first leg alone is drawn: a picture of another would call those subjects who were paid out.
    """
    from chainwatch.figures import flow

    case = cw.Case(out.name, question="Where did the subjects' money go?").add(known, found)
    first = found.legs[0]
    if first.amount:
        chain = cw.chain(first.asset.chain)
        case.add(flow(
            first, title=f"Before any crossing: {first.asset.symbol} on {chain.alias}",
            ledger=next(one for one in ledgers if chain in one.chains),
        ))  # fmt: skip
    for ledger in ledgers:
        case.look_beside(ledger)
    return case.write(out)


def lines_of(found: TraceAcross) -> list[str]:
    """Return two lines for each crossing: what was paid in, and what was paid out.

    A payment to or from somebody whom the edition masks has a line without its amount, its parties
    and its transaction.
    """
    from chainwatch.results.mask import names_all

    told = _in_clear if names_all() else _masked
    return [told(row) for row in found.plain().iter_rows(named=True)]


def _in_clear(row: dict[str, Any]) -> str:
    amount = f"{row['amount_coins'] or row['amount']} {row['symbol']}"
    traced = row["traced_coins"] or row["traced"]
    part = "" if traced is None else f", of which {traced} traced,"
    if row["side"] == "paid in":
        return (
            f"crossing {row['crossing']} by {row['bridge']}: {amount} on {row['chain']}{part}"
            f" in {row['txid']}"
        )
    return (
        f"    {amount} to {row['target']} on {row['chain']}{part} in {row['txid']}"
        f" ({row['evidence']}; {row['done']})"
    )


def _masked(row: dict[str, Any]) -> str:
    if row["side"] == "paid in":
        return f"crossing {row['crossing']} by {row['bridge']}: paid in on {row['chain']}"
    return f"    paid out on {row['chain']} ({row['evidence']}; {row['done']})"
