"""The command ``received``: what somebody was paid, by a named method and by every other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import chainwatch as cw
from chainwatch.cli.options import LedgerOption, ReplaceOption
from chainwatch.cli.output import check_named, interruptible, say, show, write_csv
from chainwatch.cli.owners import ChainOption
from chainwatch.cli.trace import asset_named
from chainwatch.errors import InputError
from chainwatch.progress import watched

if TYPE_CHECKING:
    from chainwatch.attribution.tags import Tags
    from chainwatch.ledger.ledger import Ledger
    from chainwatch.tracing.revenue.received import Received

AssetOption = Annotated[
    str | None,
    typer.Option("--asset", help="On account chains: native, or CONTRACT,SYMBOL,DECIMALS."),
]

TABLES = ("received_by_method", "received_by_policy", "partly_read")
"""What ``--json`` has of the result; the payments are a table of the library."""


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(received)


def received(
    entity: Annotated[
        list[str],
        typer.Argument(metavar="ENTITY", help="Addresses, or a name that the tags give."),
    ],
    ledger: LedgerOption,
    method: Annotated[
        str | None, typer.Option("--method", help="How it is counted, such as DD-OW-DC.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="An address whose value is looked for. May be repeated."),
    ] = None,
    tags: Annotated[
        list[Path] | None,
        typer.Option("--tags", help="Who is called what, and who is a service. May be repeated."),
    ] = None,
    clusters: Annotated[
        bool,
        typer.Option("--clusters", help="Also count to addresses that co-spending or change join."),
    ] = False,
    chain: ChainOption = None,
    asset: AssetOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the amounts as JSON, in base units.")
    ] = False,
    csv: Annotated[Path | None, typer.Option(help="Also write a row for each method here.")] = None,
    replace: ReplaceOption = False,
) -> None:
    """Count what somebody received, by a named method and by every other, with the range.

    With --source also how much of it came from there: least and most across the policies.

    Example: chainwatch received bcrt1qtt0weclr7m06nekgm7u55a4pspg6f8qlajfqh0 --method DD
    --tags out/otter/data/tags --ledger out/otter/ledger
    """
    check_named(csv, replace=replace)
    with interruptible():
        read = _open(ledger)
        of = chain or (read.chains[0].id if len(read.chains) == 1 else None)
        named = cw.read_tags(tags, chain=chain) if tags else None
        with watched("counting"):
            found = cw.received(
                read, whom(entity, named, of), method=method, sources=source or None,
                services=named.services() if named else None, chain=of,
                asset=asset_named(asset, of), **_joined(read, clusters=clusters),
            )  # fmt: skip
    if as_json:
        say(json.dumps(_told(found), indent=2))
    else:
        show(found)
        for said in _said(found):
            say(said)
        if not source:
            say("With --source ADDRESS it is also counted how much of it came from there.")
    write_csv(csv, found.plain(), replace=replace)


def _open(ledger: Path) -> Ledger:
    from chainwatch.ledger.ledger import open_ledger

    return open_ledger(ledger)


def whom(entity: list[str], tags: Tags | None, chain: str | None) -> Any:
    """Return who is meant: the addresses or outputs, or the tags that give a name to somebody."""
    from chainwatch.tracing.named import parties_named, tags_named

    if tags is None or chain is None:
        return entity
    called = tags_named(entity[0], tags, chain) if len(entity) == 1 else None
    return parties_named(entity, tags, chain) if called is None else called


def _joined(ledger: Ledger, *, clusters: bool) -> dict[str, Any]:
    """Return the clusters by co-spending, and by co-spending and change, where asked for."""
    if not clusters:
        return {}
    if not any(one.family == "utxo" for one in ledger.chains):
        raise InputError(
            "--clusters on a ledger without coins", remedy="leave it out: nothing is spent together"
        )
    with watched("clusters"):
        spent = cw.cluster(cw.co_spends(ledger))
        return {"clusters": spent, "with_change": cw.owners(ledger)}


def _said(found: Received) -> Iterator[str]:
    """Yield what the findings say, but what the result itself printed above."""
    from chainwatch.tracing.revenue.received import NOT_COMPUTED, RANGE

    for finding in found.findings(found.frame):
        for said in (finding.headline, *finding.text) if finding.headline else finding.text:
            text = str(said).removeprefix(RANGE).strip()
            if not text.startswith(NOT_COMPUTED):
                yield text


def _told(found: Any) -> dict[str, Any]:
    """Return what was counted as plain data; amounts are whole numbers of base units, as text."""
    rows = {name: found.plain(name).to_dicts() for name in TABLES}
    told: dict[str, Any] = json.loads(json.dumps(rows, default=str))
    return {
        "digest": found.digest, "method": found.method, "asset": found.asset.symbol, **told,
        "not_computed": dict(found.lacking),
    }  # fmt: skip
