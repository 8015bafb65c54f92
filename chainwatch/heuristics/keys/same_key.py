"""One key in several forms: addresses that the same key, or the same script, spends from.

A key is hashed the same way for P2PKH and for P2WPKH, and a nested address hashes what P2WPKH and
P2WSH would say. So a ledger shows that two addresses have one key before either was ever spent
from, on one chain or on two.
"""

from __future__ import annotations

import polars as pl

from chainwatch.addresses.bip32 import hash160
from chainwatch.addresses.canonical import Kind
from chainwatch.addresses.keyless import without_key
from chainwatch.chains.base import Forms
from chainwatch.chains.catalogue import all_chains
from chainwatch.completion import names_of
from chainwatch.errors import expect
from chainwatch.heuristics.link_rules import SAME_KEY, SAME_SCRIPT
from chainwatch.heuristics.links import BOTH_ENDS, ORDER, Links, one_chain
from chainwatch.heuristics.rates import MEASURED, Rates
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.schema import REVEALED
from chainwatch.results.result import recorded

_PLACE = ["chain", "address"]
_RULES = {int(Kind.P2PKH): SAME_KEY, int(Kind.P2WPKH): SAME_KEY, int(Kind.P2WSH): SAME_SCRIPT}
"""What two addresses share that hash the same, by their kind."""

_PROGRAMS = {SAME_KEY: b"\x00\x14", SAME_SCRIPT: b"\x00\x20"}
"""What stands before that hash in the program that a nested address hashes."""

_UNCOMPRESSED, _SIZE = b"\x04", 65


@recorded
def same_key(
    ledger: Ledger, *, across: bool = True, revealed: bool = True, rates: Rates = MEASURED
) -> Links:
    """Link addresses that one key, or one script, spends from.

    Linked are P2PKH, P2WPKH and nested P2WPKH of one key hash; P2WSH and nested P2WSH of one
    script hash, under the rule ``same_script``, all but P2PKH on chains with segregated witness
    alone (elsewhere anybody can spend them); and P2PKH of both forms of a key that a P2PK or
    bare multisig output shows uncompressed. The links rest on no transaction.

    Parameters
    ----------
    ledger : Ledger
        Coin chains; account chains give no links, since one address may be a contract on each.
    across : bool
        Link addresses of several chains too, such as those of a chain and its fork.
    revealed : bool
        Use addresses that nothing names but scripts that unlock an input.
    rates : Rates
        What confidences rest on.

    Returns
    -------
    Links
        Each address to the smallest one of its key, in the span of the ledger.

    Fails when
    ----------
    A key was sold, imported or published, or is known to several: who spends from one form need not
    be who spends from another. A script of several keys has the same several holders in both
    forms. Wallets that share some of several keys are not linked
    (:func:`chainwatch.heuristics.keys.key_set_change.key_set_changes`), nor is a bare multisig,
    which has no address; what a taproot key was made of is not kept in a ledger.

    References
    ----------
    BIP 13, 16, 141 for what addresses hash. BlockSci links P2SH with what it wraps in the same way
    (Kalodner et al., USENIX Security 2020); GraphSense looks keys up across chains.
    """
    expect(ledger, Ledger, "ledger", "open it first: open_ledger('ledger')")
    expect(rates, Rates, "rates", "pass Rates(path), or leave it out")
    seen = _seen(ledger)
    if not revealed:
        seen = seen.filter(~pl.col("shown"))
    plain = _by_hash(seen)
    held = pl.concat([plain, _nested(seen, plain), _two_forms(ledger, plain)])
    held = held.join(seen.select(*_PLACE, "shown"), on=_PLACE)
    return Links(
        one_chain(_stars(held, ["rule", "held"] if across else ["rule", "held", "chain"], rates))
    )


def _seen(ledger: Ledger) -> pl.DataFrame:
    """Return every address of the ledger that asks for a key, with its kind and payload.

    ``shown`` is true of one that was read nowhere, and that only unlocking scripts name.
    """
    shown = pl.col("address_basis").eq_missing(pl.lit(REVEALED)).alias("shown")
    rows = pl.concat(
        [
            ledger.outputs.select(*_PLACE, pl.lit(False).alias("shown")),
            ledger.inputs.select(*_PLACE, shown),
        ]
    )
    kind = pl.col("address").bin.slice(0, 1).bin.reinterpret(dtype=pl.UInt8)
    return (
        rows.drop_nulls("address")
        .group_by(_PLACE)
        .agg(pl.col("shown").all())
        .filter(~without_key())
        .with_columns(kind.alias("kind"), pl.col("address").bin.slice(1).alias("held"))
        .collect()
    )


def _by_hash(seen: pl.DataFrame) -> pl.DataFrame:
    """Return addresses that show a hash, with what is hashed: ``chain, address, rule, held``."""
    rule = pl.col("kind").replace_strict(_RULES, default=None, return_dtype=pl.String)
    # Elsewhere a program means nothing: whoever knows the hash can spend what is paid to it.
    locks = (pl.col("kind") == int(Kind.P2PKH)) | pl.col("chain").is_in(_with_witness())
    # Coins are burnt at a hash of zeros: no key has it.
    burnt = pl.col("held").is_in([bytes(20), bytes(32)])
    return (
        seen.with_columns(rule.alias("rule"))
        .filter(pl.col("rule").is_not_null() & ~burnt & locks)
        .select(*_PLACE, "rule", "held")
    )


def _with_witness() -> list[str]:
    return [one.id for one in all_chains() if one.forms & Forms.WITNESS]


def _nested(seen: pl.DataFrame, plain: pl.DataFrame) -> pl.DataFrame:
    """Return the P2SH addresses that wrap a hash that another one shows, where it locks."""
    nested = (pl.col("kind") == int(Kind.P2SH)) & pl.col("chain").is_in(_with_witness())
    wrapped = seen.filter(nested).select(*_PLACE, script="held")
    if wrapped.is_empty():
        return plain.clear()
    shown = plain.select("rule", "held").unique()
    scripts = [hash160(_PROGRAMS[rule] + held) for rule, held in shown.iter_rows()]
    made = shown.with_columns(pl.Series("script", scripts, pl.Binary))
    return wrapped.join(made, on="script").select(*_PLACE, "rule", "held")


def _two_forms(ledger: Ledger, plain: pl.DataFrame) -> pl.DataFrame:
    """Return P2PKH addresses of keys shown uncompressed, by the hash of the compressed form."""
    whole = pl.col("key").bin.starts_with(_UNCOMPRESSED) & (pl.col("key").bin.size() == _SIZE)
    keys = ledger.output_keys.filter(whole).select("key").unique().collect()["key"]
    forms = pl.DataFrame(
        [(hash160(key), hash160(bytes((2 + key[-1] % 2,)) + key[1:33])) for key in keys],
        schema={"held": pl.Binary, "other": pl.Binary},
        orient="row",
    )
    p2pkh = pl.col("address").bin.starts_with(bytes((Kind.P2PKH,)))
    return plain.filter(p2pkh).join(forms, on="held").select(*_PLACE, "rule", held="other")


def _stars(held: pl.DataFrame, group: list[str], rates: Rates) -> pl.DataFrame:
    """Return each address of a group beside its smallest, as rows in ``BOTH_ENDS``."""
    ordered = held.unique().sort(*group, *_PLACE)
    names = [*_PLACE, "shown"]
    first = [pl.col(name).first().over(group).alias(f"first_{name}") for name in names]
    rows = ordered.with_columns(first).filter(
        pl.struct(_PLACE) != pl.struct(chain="first_chain", address="first_address")
    )
    return (
        rows.select(
            chain="first_chain", a="first_address", b="address", rule="rule", chain_b="chain",
            tx=None, txid=None, time=None, confidence=rates.column(), veto=False,
            basis=pl.when(pl.col("shown") | pl.col("first_shown")).then(pl.lit(REVEALED)),
        )
        .select(pl.col(name).cast(kind) for name, kind in BOTH_ENDS.schema.items())
        .unique()
        .sort(ORDER)
    )  # fmt: skip


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
