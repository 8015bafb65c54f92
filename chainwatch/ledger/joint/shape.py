"""What the outputs and inputs of a transaction look like: counts, kinds, amounts and their order.

Each column is a fact without a threshold; what a rule makes of it is a parameter of the rule. A
fact about inputs that were not read is null, or a bound that says so.
"""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.canonical import Kind
from chainwatch.chains.catalogue import all_chains
from chainwatch.ledger.joint.protocols import (
    STANDARD,
    WASABI_BASE,
    WASABI_COORDINATORS,
    WASABI_LEVELS,
    WASABI_TOLERANCE,
)
from chainwatch.ledger.joint.tables import Tables

FEW = 5
"""The order of amounts is read of transactions with at least so many inputs and outputs; it means
nothing of fewer."""

_TX = ["chain", "tx"]

KINDS_OF_WALLETS = {
    "p2pkh": Kind.P2PKH,
    "p2sh": Kind.P2SH,
    "p2wpkh": Kind.P2WPKH,
    "p2wsh": Kind.P2WSH,
    "p2tr": Kind.P2TR,
}
"""The kinds of addresses that wallets use, by which a payer and a payee are told apart."""


def of_outputs() -> list[pl.Expr]:
    """Return what is added up over the outputs of each transaction.

    ``payments`` of them can be spent, ``op_returns`` carry data; ``output_min`` and ``output_max``
    are of the former. ``outputs_p2wpkh`` and ``outputs_p2tr`` are of that kind,
    ``outputs_standard`` of an amount of Wasabi 2, ``coordinator_outputs`` to a coordinator of
    Wasabi 1. What their chain mixes by is a fact of it: ``outputs_denominated`` have such an
    amount, and ``fusion`` says whether data begin as its wallets mark a fusion of coins.
    """
    paid = pl.col("value").filter("spendable")
    return [
        _count(pl.col("spendable"), "payments"),
        _count(pl.col("script_kind") == "null_data", "op_returns"),
        paid.min().alias("output_min"),
        paid.max().alias("output_max"),
        _count(pl.col("value").is_in(STANDARD), "outputs_standard"),
        _count(pl.col("address").is_in(WASABI_COORDINATORS), "coordinator_outputs"),
        _count(_denominated(), "outputs_denominated"),
        _fusion().any().alias("fusion"),
        *(_count(pl.col("script_kind") == kind, f"outputs_{kind}") for kind in KINDS_OF_WALLETS),
    ]


def of_inputs() -> list[pl.Expr]:
    """Return what is added up over the inputs of each transaction.

    ``inputs_named`` have an address that is known; ``inputs_p2wpkh`` and ``inputs_p2tr`` are of
    that kind. ``input_min`` and ``input_max`` are of the values that were read.
    """
    first = pl.col("address").bin.head(1)
    return [
        _count(pl.col("address").is_not_null(), "inputs_named"),
        pl.col("value").min().alias("input_min"),
        pl.col("value").max().alias("input_max"),
        *(
            _count(first == bytes([byte]), f"inputs_{kind}")
            for kind, byte in KINDS_OF_WALLETS.items()
        ),
    ]


COUNTS = (
    "payments", "op_returns", "outputs_standard", "coordinator_outputs", "outputs_denominated",
    "inputs_named",
    *(f"{side}_{kind}" for side in ("inputs", "outputs") for kind in KINDS_OF_WALLETS),
)  # fmt: skip
"""What is 0 where a transaction has no such row."""


def foreign_outputs() -> pl.Expr:
    """Return how many outputs are of a kind that no named input is of: never fewer than there are.

    In a mix everybody is paid to a wallet that he spends from. A payer pays the wallets of others.
    """
    foreign = [
        pl.when(pl.col(f"inputs_{kind}") == 0).then(f"outputs_{kind}").otherwise(0)
        for kind in KINDS_OF_WALLETS
    ]
    return pl.sum_horizontal(foreign).alias("foreign_outputs")


PASSING = tuple(f"{side}_{kind}" for side in ("inputs", "outputs") for kind in KINDS_OF_WALLETS
                if kind not in ("p2wpkh", "p2tr"))  # fmt: skip
"""Columns that ``foreign_outputs`` needs and no rule."""


def _count(test: pl.Expr, name: str) -> pl.Expr:
    return test.sum().cast(pl.Int64).alias(name)


def _denominated() -> pl.Expr:
    """Return whether an output has an amount by which the wallets of its chain mix."""
    tests = [
        (pl.col("chain") == chain.id) & pl.col("value").is_in(chain.denominations)
        for chain in all_chains()
        if chain.denominations
    ]
    return pl.any_horizontal(tests) if tests else pl.lit(False)


def _fusion() -> pl.Expr:
    """Return whether an output carries data that mark a fusion of coins on its chain."""
    tests = [
        (pl.col("chain") == chain.id) & pl.col("script").bin.starts_with(b"\x6a" + chain.fusion)
        for chain in all_chains()
        if chain.fusion
    ]
    return pl.any_horizontal(tests).fill_null(False) if tests else pl.lit(False)


def of_equal(tables: Tables, equal: pl.DataFrame) -> pl.LazyFrame:
    """Return what the inputs of transactions with equal outputs hold beside one of these.

    ``inputs_equal`` were read and hold just as much, ``inputs_above`` more; ``inputs_of_one`` is
    the most that one address has. Null where no two outputs are equal.
    """
    several = equal.filter(pl.col("equal_outputs") > 1).select(*_TX, "equal_value").lazy()
    spent = tables.inputs.select(*_TX, "value", "address").join(several, on=_TX)
    value, whole = pl.col("value"), pl.col("equal_value")
    most = (
        spent.filter(pl.col("address").is_not_null())
        .group_by(*_TX, "address")
        .agg(pl.len().cast(pl.Int64).alias("inputs_of_one"))
        .group_by(_TX)
        .agg(pl.col("inputs_of_one").max())
    )
    return (
        spent.group_by(_TX)
        .agg(_count(value == whole, "inputs_equal"), _count(value > whole, "inputs_above"))
        .join(most, on=_TX, how="left")
    )


def of_order(tables: Tables) -> pl.LazyFrame:
    """Return how often an amount is larger than the one before it: ``input_rises, output_rises``.

    0 is sorted, the largest first. ``input_rises`` is null where an input was not read; both are
    null of transactions with fewer than ``FEW`` inputs or outputs.
    """
    enough = pl.min_horizontal("input_count", "output_count") >= FEW
    many = tables.transactions.filter(enough).select(*_TX, "input_count")
    rises = [
        rows.select(*_TX, "n", "value")
        .join(many, on=_TX)
        .group_by(_TX)
        .agg(
            (pl.col("value").sort_by("n").diff() > 0).sum().cast(pl.Int64).alias(name),
            (pl.col("value").count() == pl.col("input_count").first()).alias("whole"),
        )
        for rows, name in ((tables.inputs, "input_rises"), (tables.outputs, "output_rises"))
    ]
    spent = rises[0].select(*_TX, pl.when("whole").then("input_rises").alias("input_rises"))
    return rises[1].drop("whole").join(spent, on=_TX, how="left")


def of_levels(tables: Tables) -> pl.LazyFrame:
    """Return the outputs at the levels of Wasabi 1.1: ``level_outputs``, and ``level_most`` of one.

    A level counts where two or more outputs reach it.
    """
    level = pl.coalesce(
        pl.when(_near(power)).then(pl.lit(power, pl.Int64)) for power in range(WASABI_LEVELS)
    )
    at = (
        tables.outputs.filter(
            pl.col("spendable") & (pl.col("value") >= WASABI_BASE - WASABI_TOLERANCE)
        )
        .select(*_TX, level=level)
        .filter(pl.col("level").is_not_null())
        .group_by(*_TX, "level")
        .agg(pl.len().cast(pl.Int64).alias("outputs"))
        .filter(pl.col("outputs") > 1)
    )
    return at.group_by(_TX).agg(
        pl.col("outputs").sum().alias("level_outputs"),
        pl.col("outputs").max().alias("level_most"),
    )


def _near(power: int) -> pl.Expr:
    """Return whether a value is near a level; the tolerance doubles with the level."""
    doubled = 1 << power
    return (pl.col("value") - WASABI_BASE * doubled).abs() <= WASABI_TOLERANCE * doubled
