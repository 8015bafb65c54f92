"""A wallet of several keys that changes its keys: a multisig that pays one of nearly the same keys.

A key is lost, or somebody leaves a firm: the coins go to a new script in which one key is another.
Both scripts show their keys when they are spent. The link says that the same holders control them
together, as before, and never that one of them owns anything. One key in common says nothing:
whoever signs for many (a custodian, an escrow market) stands in thousands of sets.
"""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.bip32 import hash160
from chainwatch.addresses.canonical import Kind
from chainwatch.addresses.unlocking import OPEN_FLAGS
from chainwatch.completion import names_of
from chainwatch.errors import RuleError, expect
from chainwatch.heuristics.ask import joint_transactions
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.link_rules import KEY_SET_CHANGE
from chainwatch.heuristics.links import LINK_KEY, LINKS, Links
from chainwatch.heuristics.rates import MEASURED, Rates, made_by
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.output_features.appearances import appearances
from chainwatch.ledger.output_features.whole import Whole
from chainwatch.ledger.output_status import OutputStatus
from chainwatch.ledger.schema import DISPUTED, POSITION_BITS, READ, REVEALED
from chainwatch.results.result import recorded

LEAST_KEYS = 2
"""One key in common is what strangers have who use the same co-signer: it never links."""

MOST_SETS = 8
"""A key of more sets is taken for a service's. Chosen on the *fit* part of the simulator."""

_TX, _PLACE = ["chain", "tx"], ["chain", "address"]
_INPUT, _PAIR = [*_TX, "n"], [*_TX, "one", "other"]
_LONG = 65


@recorded
def key_set_changes(
    ledger: Ledger, *, keys: int = LEAST_KEYS, sets: int = MOST_SETS, unless: Rule | None = JOINT,
    revealed: bool = True, rates: Rates = MEASURED,
) -> Links:  # fmt: skip
    """Link a multisig with a new one that takes its place, where the same holders sign for both.

    That is so where they share ``keys`` keys or more, these suffice to spend from either, and none
    of the others do for either without one of them. The one pays the other, which was never seen
    before, and keeps nothing: where some goes back to where it came from, it is a payment.

    A shared key of many sets is a service's and does not count: where the link falls for that it is
    *refused*. It is *undecided* where several keys are shared and anything else above fails, where
    a signature leaves room for outputs of others, and where not every block was read with what
    unlocks its inputs: then nobody knows in how many sets a key stands. Whose keys were not read
    is not linked: a script shows them when it is spent for the first time.

    Parameters
    ----------
    ledger : Ledger
        Coin chains; account chains give no links.
    keys : int
        Keys that both have in common at least, 2 or more.
    sets : int
        A key of more sets of keys is a service's. Sets count that were ever read.
    unless, revealed, rates
        As :func:`chainwatch.heuristics.co_spend.co_spends` takes them.

    Returns
    -------
    Links
        One row per transaction and pair. What ``same_key`` links as one script is left out.

    Raises
    ------
    RuleError
        If one key is to suffice, or ``unless`` reads other features than transactions.

    Fails when
    ----------
    Two holders close a wallet with one third party into a new one with another; so does a customer
    of a service that holds several keys for few, into that of somebody else; a wallet is sold, and
    its keys are replaced one after the other. Keys are read of plain multisigs behind a hash alone:
    a bare multisig has no address, and what taproot hides is not seen. A wallet that draws every
    key anew for each address, as most do today, shares none. A new set that was paid by others
    first is not new.

    References
    ----------
    BIP 11, 16 and 141 for the scripts. BlockSci (Kalodner et al., USENIX Security 2020) finds keys
    that several multisigs share; thresholds and cap are ours.
    """
    _check(ledger, keys, sets, unless, rates)
    shown = _shown(ledger, revealed=revealed)
    pairs = _paid(ledger, shown)
    found = _judged(pairs, shown, _sets(ledger, shown), keys, sets).filter(~_one_script())
    return Links(_links(ledger, found, unless, rates.column(made=terms(keys, sets, unless))))


def terms(keys: int = LEAST_KEYS, sets: int = MOST_SETS, unless: Rule | None = JOINT) -> str:
    """Return on what terms links are made, as a rate names them."""
    return f"{made_by(unless)}, {keys} keys of at most {sets} sets"


def _check(ledger: Ledger, keys: int, sets: int, unless: Rule | None, rates: Rates) -> None:
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(rates, Rates, "rates", "pass Rates(path), or leave it out")
    expect(unless, (Rule, type(None)), "unless", "pass a rule, such as equal_outputs()")
    expect(keys, int, "keys", "pass a whole number")
    expect(sets, int, "sets", "pass a whole number")
    if keys < LEAST_KEYS or sets < 1:
        raise RuleError(
            f"{keys} keys of at most {sets} sets link nobody",
            remedy=f"ask for {LEAST_KEYS} keys or more, and for a set or more",
        )
    if unless is not None and unless.on != "transactions":
        raise RuleError(f"{unless} reads {unless.on}", remedy="pass a rule on transactions")


def _shown(ledger: Ledger, *, revealed: bool) -> pl.DataFrame:
    """Return the keys of each multisig that was ever read: ``chain, address, required, key``.

    A row per place of a key, each in its short form. An address whose unlocking names another has
    none; without ``revealed`` neither has one that no output read.
    """
    basis = pl.col("address_basis")
    known = pl.col("address").is_not_null() & basis.ne_missing(DISPUTED)
    if not revealed:
        known &= basis.ne_missing(REVEALED)
    whole = ledger.history
    inputs = whole.inputs.filter(known).select(*_INPUT, "address")
    rows = whole.input_keys.join(inputs, on=_INPUT).collect()
    # A script is the same whenever it is shown: the first time tells all.
    first = rows.sort(*_INPUT, "k").filter(
        pl.struct("tx", "n") == pl.struct("tx", "n").first().over(_PLACE)
    )
    return _short(first).select(*_PLACE, "required", "key")


def _short(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with each key in the form in which it is compressed."""
    long = rows.filter(pl.col("key").bin.size() == _LONG)["key"].unique().to_list()
    forms = pl.DataFrame(
        [(key, bytes((2 + key[-1] % 2,)) + key[1:33]) for key in long],
        schema={"key": pl.Binary, "short": pl.Binary},
        orient="row",
    )
    both = rows.join(forms, on="key", how="left", maintain_order="left")
    return both.with_columns(key=pl.coalesce("short", "key")).drop("short")


def _sets(ledger: Ledger, shown: pl.DataFrame) -> pl.DataFrame:
    """Return in how many sets of keys each key was read: ``chain, key, sets``."""
    whole = ledger.history
    bare = whole.outputs.filter(pl.col("script_kind") == "multisig").select(*_TX, "n")
    named = _short(whole.output_keys.join(bare, on=_INPUT, how="semi").collect())
    each = [
        rows.group_by(by).agg(pl.col("key").unique().sort())
        for rows, by in ((shown, _PLACE), (named, _INPUT))
    ]
    apart = pl.concat([rows.select("chain", "key") for rows in each]).with_columns(
        set=pl.col("key").list.eval(pl.element().bin.encode("hex")).list.join(",")
    )
    once = apart.unique(["chain", "set"]).explode("key", empty_as_null=False, keep_nulls=False)
    return once.group_by("chain", "key").agg(pl.len().alias("sets"))


def _paid(ledger: Ledger, shown: pl.DataFrame) -> pl.DataFrame:
    """Return what multisigs pay to others of which the keys were read.

    ``chain, tx, one, other, basis, agreed, kept``: whether a signature of the one binds what is
    paid, and whether the one is paid as well.
    """
    known = shown.select(_PLACE).unique().lazy()
    flags, basis = pl.col("sighash"), pl.col("address_basis")
    spent = (
        ledger.inputs.join(known, on=_PLACE, how="semi")
        .group_by(*_TX, one="address")
        .agg(
            (flags.is_not_null() & ~flags.str.contains(OPEN_FLAGS)).any().alias("agreed"),
            basis.eq_missing(pl.lit(REVEALED)).all().alias("hidden"),
        )
    )
    paid = ledger.outputs.join(known, on=_PLACE, how="semi").select(*_TX, other="address").unique()
    basis = pl.when("hidden").then(pl.lit(REVEALED)).otherwise(pl.lit(READ)).alias("basis")
    kept = paid.select(*_TX, one="other", kept=pl.lit(True))
    both = spent.join(paid, on=_TX).filter(pl.col("one") != pl.col("other"))
    told = both.join(kept, on=[*_TX, "one"], how="left")
    return told.select(*_PAIR, basis, "agreed", pl.col("kept").fill_null(False)).collect()


def _judged(
    pairs: pl.DataFrame, shown: pl.DataFrame, popular: pl.DataFrame, keys: int, sets: int
) -> pl.DataFrame:
    """Return the pairs that share keys enough to look at, and what these say of them.

    With ``few``, do those suffice that stand in few sets, and ``service``, is it for the others
    that they do not.
    """
    places = shown.group_by(*_PLACE, "key").agg(pl.len().cast(pl.Int64).alias("times"))
    asked = shown.group_by(_PLACE).agg(pl.col("required").first(), size=pl.len().cast(pl.Int64))
    rows = pairs
    for side in ("one", "other"):
        of = places if side == "one" else places.rename({"times": "times_other"})
        on = ["chain", "address"] if side == "one" else ["chain", "address", "key"]
        rows = rows.with_columns(address=side).join(of, on=on).drop("address")
    rows = rows.join(popular, on=["chain", "key"], how="left")
    rare = pl.col("sets") <= sets
    held = ("times", "times_other")
    met = rows.group_by(pairs.columns).agg(
        pl.len().alias("shared"), rare.sum().alias("rare"), pl.col(held).sum(),
        *(pl.when(rare).then(name).sum().alias(f"rare_{name}") for name in held),
    )  # fmt: skip
    for side in ("one", "other"):
        of = asked.rename({name: f"{name}_{side}" for name in ("required", "size")})
        met = met.with_columns(address=side).join(of, on=_PLACE).drop("address")
    several = pl.col("rare") >= keys
    few = several & _suffice("rare_times", "rare_times_other")
    return met.filter(pl.col("shared") >= keys).with_columns(
        few=few, service=~few & (~several | _suffice("times", "times_other"))
    )


def _suffice(one: str, other: str) -> pl.Expr:
    """Return whether so many places of either script can sign, and the rest of neither can."""
    able = [
        (pl.col(held) >= pl.col(f"required_{side}"))
        & (pl.col(f"size_{side}") - pl.col(held) < pl.col(f"required_{side}"))
        for held, side in ((one, "one"), (other, "other"))
    ]
    return able[0] & able[1]


def _one_script() -> pl.Expr:
    """Return whether one address is the other nested in P2SH: one script, and no change of it."""

    def nested(pair: dict[str, bytes]) -> bool:
        both = {address[0]: address[1:] for address in pair.values()}
        inner, outer = both.get(int(Kind.P2WSH)), both.get(int(Kind.P2SH))
        return inner is not None and outer == hash160(b"\x00\x20" + inner)

    return pl.struct("one", "other").map_elements(nested, return_dtype=pl.Boolean)


def _links(
    ledger: Ledger, found: pl.DataFrame, unless: Rule | None, confidence: pl.Expr
) -> pl.DataFrame:
    """Return pairs as rows in ``LINKS``: refused, undecided or joining."""
    tops = [(chain, _read_until(ledger, chain)) for chain in sorted(set(found["chain"]))]
    read = pl.DataFrame(tops, schema={"chain": pl.String, "top": pl.Int64}, orient="row")
    counted = (pl.col("tx") // (1 << POSITION_BITS) <= pl.col("top")).fill_null(False)
    sure = pl.col("few") & pl.col("agreed") & ~pl.col("kept") & pl.col("fresh") & counted
    one, other = pl.col("one"), pl.col("other")
    rows = found.join(joint_transactions(ledger, found, unless), on=_TX, how="left")
    return (
        rows.join(read, on="chain", how="left")
        .join(_fresh(ledger, rows), on=[*_TX, "other"], how="left")
        .with_columns(
            a=pl.min_horizontal(one, other),
            b=pl.max_horizontal(one, other),
            rule=pl.lit(KEY_SET_CHANGE),
            veto=pl.col("veto") | pl.col("service") | pl.when(sure).then(False),
        )
        .with_columns(confidence=confidence)
        .select(pl.col(name).cast(kind) for name, kind in LINKS.schema.items())
        # Two that pay each other in one transaction are one link.
        .sort(*LINK_KEY, "veto", "basis", nulls_last=True)
        .unique(LINK_KEY, keep="first", maintain_order=True)
    )


def _fresh(ledger: Ledger, rows: pl.DataFrame) -> pl.DataFrame:
    """Return whether what is paid was never seen before: ``chain, tx, other, fresh``."""
    of = ledger.history
    chains = {chain: OutputStatus.read(of, chain) for chain in set(rows["chain"])}
    whole = Whole(of.transactions, of.inputs, of.outputs, of.output_keys)
    paid = rows.select(
        *_TX, "time", height=pl.col("tx") // (1 << POSITION_BITS), address="other"
    )  # fmt: skip
    seen = appearances(whole, paid, chains)
    return seen.select(*_TX, "fresh", other="address")


def _read_until(ledger: Ledger, chain: str) -> int | None:
    """Return up to which height all blocks were read with all that unlocks inputs, if any were."""
    whole = OutputStatus.read(ledger.history, chain).every_block()
    here = (pl.col("chain") == chain) & pl.col("sighash").is_null()
    unread = ledger.history.inputs.filter(here).select(pl.len()).collect().item()
    return None if whole is None or unread else whole.height


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
