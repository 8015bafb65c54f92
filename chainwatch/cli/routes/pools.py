"""``chainwatch pools``: of which deposits what pools of one amount give can be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import chainwatch as cw
from chainwatch.cli.cluster_lines import MOST_SHOWN
from chainwatch.cli.options import LedgerOption, ReplaceOption
from chainwatch.cli.output import check_named, interruptible, say, show, write_csv
from chainwatch.cli.owners import ChainOption
from chainwatch.cli.trace import asset_named
from chainwatch.errors import InputError
from chainwatch.progress import watched

PoolsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="POOL",
        help="ADDRESS=AMOUNT of the coin (0x...=0.1), or ADDRESS=AMOUNT,CONTRACT,SYMBOL,DECIMALS.",
    ),
]
GasOption = Annotated[
    Path | None,
    typer.Option("--gas-prices", help="CSV or Parquet: txid, gas_price. No ledger holds them."),
]
ClaimsOption = Annotated[
    Path | None,
    typer.Option(
        "--claims",
        help="CSV or Parquet of claims of rewards for deposits: txid, recipient, points, height.",
    ),
]
RewardsOption = Annotated[
    str | None,
    typer.Option(
        "--rewards", help="The contract that pays for what deposits earned: claims by its logs."
    ),
]
RateOption = Annotated[
    list[str] | None,
    typer.Option(
        "--rate",
        metavar="ADDRESS=POINTS",
        help="What a deposit of a pool earns for each block. May be repeated.",
    ),
]

CANDIDATES_SHOWN = 5
"""Deposits that are listed of a reveal."""


def add_to(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(pools)


def pools(
    pool: PoolsArgument,
    ledger: LedgerOption,
    chain: ChainOption = None,
    gas_prices: GasOption = None,
    claims: ClaimsOption = None,
    rewards: RewardsOption = None,
    rate: RateOption = None,
    csv: Annotated[
        Path | None, typer.Option(help="Also write every withdrawal here, in clear.")
    ] = None,
    replace: ReplaceOption = False,
) -> None:
    """Say of which deposits the withdrawals from pools can be, and what gives some of them away.

    A pool takes and gives one amount. What ties a withdrawal to some deposits is worth one over
    their number. Which withdrawal is tied to whom the disclosure edition does not say: they are
    counted, and stand in --csv.

    Example: chainwatch pools 0x7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a=0.1
    0x7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b7b=1 --ledger ledger --csv withdrawals.csv
    """
    _check(claims, rewards, rate)
    check_named(csv, replace=replace)
    from chainwatch.tracing.crossings.messages.files import read_table

    with interruptible():
        read = cw.open_ledger(ledger)
        of = chain or (read.chains[0].id if len(read.chains) == 1 else None)
        named = pools_named(pool, rate or (), of)
        prices = read_table(gas_prices, "gas prices") if gas_prices else None
        claimed = read_table(claims, "claims") if claims else rewards
        with watched("reading pools"):
            found = cw.pool_withdrawals(read, named, gas_prices=prices, claims=claimed)
        for line in lines_of(found):
            say(line)
    show(found)
    write_csv(csv, found.plain(), replace=replace)


def _check(claims: Path | None, rewards: str | None, rate: list[str] | None) -> None:
    """Refuse claims of two sources, and claims without what a deposit earns."""
    if claims and rewards:
        raise InputError("--claims and --rewards", remedy="give one of them")
    if (claims or rewards) and not rate:
        raise InputError(
            f"{'--claims' if claims else '--rewards'} without --rate: how long a deposit lay there"
            " is its points by what it earns for each block",
            remedy="write --rate ADDRESS=POINTS for each pool that rewards deposits",
        )


def pools_named(
    said: Sequence[str], rates: Sequence[str], chain: str | None
) -> list[cw.MixingPool]:
    """Return the pools that the command line names, each with the points of ``--rate``."""
    from chainwatch.units import from_text

    if chain is None:
        raise InputError("pools without a chain", remedy="name it with --chain")
    points = dict(_rate(one, chain) for one in rates)
    found = []
    for one in said:
        address, _, rest = one.partition("=")
        amount, _, token = rest.partition(",")
        if not address or not amount:
            raise InputError(f"{one[:80]!r} names no pool", remedy="write ADDRESS=AMOUNT")
        asset = asset_named(token or "native", chain)
        if asset is None:
            raise InputError(f"{one[:80]!r} names no asset", remedy="write ADDRESS=AMOUNT")
        made = cw.MixingPool(address, asset, from_text(amount, asset.decimals))
        found.append(cw.MixingPool(made.key, asset, made.amount, points.pop(made.key, None)))
    if points:
        raise InputError(
            "--rate of an address that is none of the pools",
            remedy="name the pool, or leave it out",
        )
    return found


def _rate(said: str, chain: str) -> tuple[bytes, int]:
    from chainwatch.addresses.canonical import parse

    address, _, points = said.partition("=")
    if not points.isdecimal() or not int(points):
        raise InputError(f"{said[:80]!r} names no rate", remedy="write --rate ADDRESS=POINTS")
    return parse(address, chain), int(points)


def lines_of(found: cw.PoolWithdrawals) -> list[str]:
    """Return a line for each pool, and below what is known of its withdrawals.

    Where the edition masks anybody withdrawals are counted, by the rules that tie them: who looks
    one up by its time and place among others finds who was paid.
    """
    from chainwatch.results.mask import names_all

    told = list(_pools(found))
    told += _withdrawals(found) if names_all() else _counts(found)
    return told


def _pools(found: cw.PoolWithdrawals) -> Iterator[str]:
    """Yield what was read of each pool, and what was not."""
    from chainwatch.units import counted

    gaps = found.plain("unread_spans")
    for row in found.plain("pools").iter_rows(named=True):
        alone = "; one deposit, which nothing hides" if row["deposits"] == 1 else ""
        yield (
            f"pool {row['pool']} of {_amount(row)}:"
            f" {counted(row['deposits'], 'deposit', 'deposits')},"
            f" {counted(row['withdrawals'], 'withdrawal', 'withdrawals')}{alone}"
        )
        mine = gaps.filter(chain=row["chain"], pool=row["pool"]).select("begins", "ends")
        for begins, ends in mine.iter_rows():
            begun = "the beginning" if begins is None else _time(begins)
            until = " on" if ends is None else f" to {_time(ends)}"
            yield f"    no source claims to have told it from {begun}{until}"
        if row["odd"]:
            yield f"    {counted(row['odd'], 'transfer', 'transfers')} of another amount apart"


def _time(said: str) -> str:
    """Return a time of a span as the edition shows it: to the month where it masks anybody."""
    from chainwatch.results.mask import names_all

    return said if names_all() else said[:7]


def _amount(row: dict[str, Any]) -> str:
    """Return an amount of a pool in coins, or of a token by its contract."""
    from chainwatch.units import to_text

    if row["contract"] is None:
        return f"{row['amount_coins']} {cw.native(row['chain']).symbol}"
    return f"{to_text(row['amount'], row['decimals'])} of {row['contract']}"


def _withdrawals(found: cw.PoolWithdrawals) -> Iterator[str]:
    """Yield the withdrawals, those first that are tied to the fewest deposits."""
    rows = found.plain().sort("candidates", "time", "txid", nulls_last=True)
    ties, deposits = found.plain("reveals"), found.plain("candidates")
    for row in rows.head(MOST_SHOWN).iter_rows(named=True):
        to = row["recipient"] or "several, or nobody that is clear"
        yield f"{row['time'] or 'at an unknown time'}  {row['txid']} from {row['pool']} to {to}"
        yield f"    {_set(row)}"
        mine = {"chain": row["chain"], "pool": row["pool"], "txid": row["txid"]}
        for tie in ties.filter(**mine).iter_rows(named=True):
            yield _tie(tie, deposits.filter(**mine, rule=tie["rule"]).rows(named=True))
    if (more := rows.height - MOST_SHOWN) > 0:
        yield f"  and {more:,} more withdrawals"


def _set(row: dict[str, Any]) -> str:
    """Return of how many deposits a withdrawal can be."""
    from chainwatch.units import counted

    if row["set_most"] is None:
        many = counted(row["unread"], "deposit before it was", "deposits before it were")
        return f"of how many deposits it can be is unknown: {many} not read"
    perhaps = f", perhaps {row['deposits_perhaps']:,} more" if row["deposits_perhaps"] else ""
    left = f"{row['set_least']:,}"
    if row["set_most"] != row["set_least"]:
        left += f" to {row['set_most']:,}"
    before = counted(row["deposits_before"], "deposit", "deposits")
    return f"can be of each of {before} before it{perhaps}, of which {left} were still there"


def _tie(tie: dict[str, Any], deposits: Sequence[dict[str, Any]]) -> str:
    """Return what a reveal is worth, with the deposits that it ties a withdrawal to."""
    listed = [f"{one['deposit']} by {one['depositor']}" for one in deposits[:CANDIDATES_SHOWN]]
    more = len(deposits) - len(listed)
    rest = f", and {more:,} more" if more else ""
    return f"    {tie['rule']}, 1/{tie['candidates']:,}: {', '.join(listed)}{rest}"


def _counts(found: cw.PoolWithdrawals) -> Iterator[str]:
    """Yield for each rule how many withdrawals it ties, and to how many deposits each."""
    from chainwatch.units import counted

    for (rule,), rows in found.reveals.sort("rule").group_by("rule", maintain_order=True):
        many_of = rows["candidates"].to_list()
        least, most = min(many_of), max(many_of)
        worth = f"1/{most:,}" if least == most else f"1/{most:,} to 1/{least:,}"
        many = counted(rows.height, "withdrawal", "withdrawals")
        yield f"{rule}: ties {many}, worth {worth} each; ids are withheld"
