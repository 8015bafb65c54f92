"""``chainwatch converge``: where the money of several vendors meets, and whether by chance."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

import chainwatch as cw
from chainwatch.cli.cluster_lines import MOST_SHOWN
from chainwatch.cli.options import (
    AuthorityOption,
    EditionOption,
    LedgerOption,
    ReasonOption,
    ReplaceOption,
    show_in,
)
from chainwatch.cli.output import (
    check_named,
    interruptible,
    list_rows,
    names_in,
    show,
    write_csv,
)
from chainwatch.cli.owners import ChainOption, only_chain, tags_in
from chainwatch.cli.received import AssetOption
from chainwatch.cli.trace import asset_named
from chainwatch.cli.triage.rank import SmallOption, people_in
from chainwatch.progress import watched


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(converge)


def converge(
    vendors: Annotated[
        list[str] | None, typer.Argument(metavar="[VENDOR]", help="Their addresses.")
    ] = None,
    ledger: LedgerOption = ...,  # type: ignore[assignment]  # typer's sign for what is needed
    tags: Annotated[
        list[Path] | None, typer.Option(help="Who is a service, and who a vendor. May be repeated.")
    ] = None,
    concept: Annotated[
        str, typer.Option(help="Without addresses: all whom tags give this concept.")
    ] = "vendor",
    clusters: Annotated[
        bool, typer.Option("--clusters", help="On coin chains: between owners, not addresses.")
    ] = False,
    small: SmallOption = None,
    least: Annotated[int, typer.Option(help="How many vendors meet at a place.", min=2)] = 3,
    hops: Annotated[int, typer.Option(help="Most payments of a route.", min=1)] = 2,
    days: Annotated[int, typer.Option(help="Most days from one to the next.", min=1)] = 14,
    rate: Annotated[str, typer.Option(help="Share of false ones among the named.")] = "0.05",
    chain: ChainOption = None,
    asset: AssetOption = None,
    csv: Annotated[
        Path | None, typer.Option(help="Also write which vendor meets where, in clear.")
    ] = None,
    replace: ReplaceOption = False,
    edition: EditionOption = "disclosure",
    reason: ReasonOption = "",
    authority: AuthorityOption = "",
) -> None:
    """List who is reached by the money of several vendors, or pays several, more than by chance.

    Services are left out as places and as ways. Each other place is held against wallets like the
    vendors. In the disclosure edition places that are masked are counted and not listed.

    Example: chainwatch converge --ledger out/otter/ledger --tags out/otter/data/tags --least 2
    """
    check_named(csv, replace=replace)
    show_in(edition, reason, authority)
    with interruptible():
        read = cw.open_ledger(ledger)
        of = chain or only_chain(read)
        said = tags_in(tags, of)
        what = asset_named(asset, of) or (cw.native(of) if of else None)
        given: dict[str, Any] = {}
        if clusters:
            with watched("clusters"):
                given["clusters"] = cw.owners(read)
        with watched("roles of people"):
            given["people"] = people_in(read, said, what, small, given.get("clusters"))
        with watched("following the vendors' money"):
            found = cw.converge(
                read, whom(vendors, said, concept), tags=said,
                asset=what,
                least=least, hops=hops, days=days, rate=rate, **given,
            )  # fmt: skip
    _tell(found, names_in([] if said is None else [said]))
    if csv:
        write_csv(csv, found.plain("vendors_met"), replace=replace)


def whom(named: list[str] | None, tags: cw.Tags | None, concept: str) -> Any:
    """Return the vendors: those that are named, else all whom tags give a concept.

    Raises
    ------
    InputError
        If nobody is named either way.
    """
    from chainwatch.errors import InputError

    if named:
        return named
    if tags is None or not len(found := tags.where(concept=concept)):
        raise InputError(
            "no vendor is named", remedy=f"give addresses, or tags of the concept {concept}"
        )
    return found


def _tell(found: cw.Convergence, names: frozenset[str]) -> None:
    list_rows(
        found, "meetings", partial(_told, found), most=MOST_SHOWN, names=names, more=" places",
        masked=("place is masked in this edition", "places are masked in this edition"),
    )  # fmt: skip
    show(found)


def _told(found: cw.Convergence, row: dict[str, Any]) -> str:
    """Return a place in one line."""
    about = "≈ " if row.get("rounded") else ""
    amount = f"{about}{found.asset.shown(int(row['amount']))}"
    chance = "" if row["corrected"] is None else f", by chance {row['corrected']:.3g} corrected"
    called = f" ({row['concept']})" if row["concept"] else ""
    return (
        f"{row['entity']}{called} {row['direction']} {row['vendors']} vendors, expected"
        f" {row['expected']:.2f}{chance}, at most {amount}: {row['verdict']}"
    )
