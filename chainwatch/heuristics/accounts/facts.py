"""What rules on the owners of accounts read of one chain: payments, services, and who is nobody's.

All that was ever read counts, whatever the span of the ledger: a cap on how many an address deals
with means nothing within a week. What is not an account of somebody's own joins nobody: wallets of
services, mixers and bridges, token contracts, the zero address, who deals with thousands, and those
who bring to the chain what others signed (bundlers and paymasters of ERC-4337).

A contract logs what it likes of anybody, so that a payment of a token shows what its payer wanted
only where he is known to have wanted it (``agreed``): what is not known joins nobody.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from chainwatch.addresses.assets import PAYMENT_KINDS, ZERO, Asset, native
from chainwatch.attribution.naming import DEPOSIT
from chainwatch.attribution.resolve import Framed, TagStatement, statements_of, with_names
from chainwatch.attribution.roles import Wallets, wallets_of
from chainwatch.attribution.taxonomy import ENDING, descendants
from chainwatch.chains.base import Chain
from chainwatch.heuristics.accounts.batches import batches, by_payer
from chainwatch.heuristics.accounts.deposit_address import Times
from chainwatch.ledger.accounts.authority import with_authority
from chainwatch.ledger.balances import every_transfer, histories, movement_times
from chainwatch.ledger.ledger import Ledger

FUNGIBLE = ("erc20", "trc20")
"""Kinds of transfers of tokens of which one unit is like another."""

SENT_BY = ("native", "fee", "fee_burnt")
"""Kinds of transfers whose sender is who sent the transaction."""

MOST_PARTNERS = 1_000
"""Who pays, or is paid by, more addresses serves everybody, whatever tags say."""

_ORDER = ["time", "tx", "txid", "log_index", "trace_path", "contract", "sender", "receiver",
          "amount", "occurrence"]  # fmt: skip

_NO_TAGS = dict[bytes, tuple[TagStatement, ...]]()


@dataclass(frozen=True)
class Deposits:
    """Payments and receipts of the addresses that ever paid a service, of one asset.

    Attributes
    ----------
    sent : polars.DataFrame
        ``address, service, amount, time``: one row per payment; ``service`` is null where it went
        to somebody else.
    got : polars.DataFrame
        ``address, payer, amount, time, by_service, tx, txid, agreed``: one row per receipt.
    payers : polars.DataFrame
        ``address, payer``, each once; wallets of services are left out.
    """

    sent: pl.DataFrame
    got: pl.DataFrame
    payers: pl.DataFrame


@dataclass(frozen=True)
class AccountFacts:
    """What was read of one account chain, and whom tags name there.

    Attributes
    ----------
    ledger : Ledger
        The history of it.
    chain : Chain
        The chain.
    tags : Framed or None
        Who is a service; without them no address is known to be one.
    hosted : tuple of Framed
        Addresses of which custody was judged, as ``cw.hosted`` returns them, an asset each.
    """

    ledger: Ledger
    chain: Chain
    tags: Framed | None = None
    hosted: tuple[Framed, ...] = ()

    @cached_property
    def tagged(self) -> Wallets:
        """What tags say, by address."""
        return _NO_TAGS if self.tags is None else statements_of(self.tags.frame, self.chain.id)

    @cached_property
    def wallets(self) -> Wallets:
        """The tagged wallets of services that hold the money of others."""
        return wallets_of(self.tagged)

    @cached_property
    def movements(self) -> pl.DataFrame:
        """What took effect and its sender let be moved, as it stands on the chain, in order.

        Returns
        -------
        polars.DataFrame
            Rows of ``transfers`` of the coin and of fungible tokens of a known amount above zero,
            with ``agreed``: is the sender known to have wanted it? He signed it, or sent the
            transaction, or it is the coin, of which no contract can say what did not happen.
        """
        kinds = pl.col("kind").is_in((*PAYMENT_KINDS, *FUNGIBLE))
        effective = pl.col("success").ne_missing(False) & (pl.col("amount") > 0)
        nobody = pl.Series(sorted(ZERO), dtype=pl.Binary).implode()
        between = (
            (pl.col("sender") != pl.col("receiver"))
            & ~pl.col("sender").is_in(nobody)
            & ~pl.col("receiver").is_in(nobody)
        )
        here = pl.col("chain") == self.chain.id
        rows = self.ledger.transfers.filter(here & kinds & effective & between).collect()
        open_ = with_authority(self.ledger, rows).filter(pl.col("signed").ne_missing(False))
        told = open_.join(self.sent, on=["txid", "sender"], how="left")
        wanted = pl.col("signed").fill_null(False) | pl.col("contract").is_null()
        agreed = told.with_columns(agreed=wanted | pl.col("sent").is_not_null()).drop("sent")
        return agreed.sort(_ORDER, nulls_last=True)

    @cached_property
    def sent(self) -> pl.DataFrame:
        """Who sent each transaction: ``txid, sender, sent``, the last always true."""
        here = (pl.col("chain") == self.chain.id) & pl.col("kind").is_in(SENT_BY)
        rows = self.ledger.transfers.filter(here).select("txid", "sender").unique()
        return rows.with_columns(sent=pl.lit(True)).collect()

    @cached_property
    def payments(self) -> pl.DataFrame:
        """The movements, with those of batches made by their payer.

        Returns
        -------
        polars.DataFrame
            Rows of :attr:`movements` with ``through``, the contract that paid for the sender, and
            ``to_service`` and ``from_service``: whose wallet tags say it is, on that day. What a
            contract paid on is agreed where all is that its payer moved of it there.
        """
        rows = by_payer(self.movements, batches(self.movements, self.read))
        of = ["txid", "contract", "sender"]
        given = self.movements.group_by(of).agg(pl.col("agreed").all().alias("given"))
        rows = rows.join(given, on=of, how="left", maintain_order="left", nulls_equal=True)
        by_batch = pl.when(pl.col("through").is_not_null()).then("given").otherwise("agreed")
        rows = rows.with_columns(agreed=by_batch.fill_null(False)).drop("given")
        for way, side in (("to", "receiver"), ("from", "sender")):
            named = with_names(rows, side, self.wallets)
            whose = pl.when(~pl.col("contested")).then("service").alias(f"{way}_service")
            rows = named.with_columns(whose).drop("service", "label", "contested")
        return rows

    def of(self, contract: bytes | None) -> pl.DataFrame:
        """Return the payments of one asset: the coin, or a token."""
        mine = pl.col("contract").is_null() if contract is None else pl.col("contract") == contract
        return self.payments.filter(mine)

    @cached_property
    def served(self) -> list[bytes | None]:
        """The assets in which services were paid: the coin as None, then contracts."""
        paid = self.payments.filter(pl.col("to_service").is_not_null())
        return (
            paid.select("contract")
            .unique()
            .sort("contract", nulls_last=False)["contract"]
            .to_list()
        )

    @cached_property
    def paid_in(self) -> list[bytes | None]:
        """The assets in which addresses that are known to be deposit addresses were paid."""
        mine = pl.col("receiver").is_in(addresses(self.known).implode())
        rows = self.payments.filter(mine).select("contract").unique()
        return rows.sort("contract", nulls_last=False)["contract"].to_list()

    @cached_property
    def authority(self) -> pl.DataFrame:
        """All authority that was read of the chain: rows of ``approvals``."""
        return self.ledger.approvals.filter(pl.col("chain") == self.chain.id).collect()

    @cached_property
    def contracts(self) -> frozenset[bytes]:
        """Addresses that are known to be contracts: tokens, code that acts, what was made."""
        tokens = (
            self.ledger.transfers.filter(pl.col("chain") == self.chain.id)
            .select("contract").drop_nulls().unique().collect()["contract"]
        )  # fmt: skip
        return frozenset(self.authority["contract"].drop_nulls()) | frozenset(tokens)

    @cached_property
    def accounts(self) -> frozenset[bytes]:
        """Addresses that a key is known to stand behind: each sent a transaction of its own."""
        here = (pl.col("chain") == self.chain.id) & pl.col("kind").is_in(SENT_BY)
        sent = self.ledger.transfers.filter(here).select("sender").unique().collect()
        return frozenset(sent["sender"]) - self.contracts

    @cached_property
    def carriers(self) -> frozenset[bytes]:
        """Who brings to the chain what others signed, or pays for it: bundlers and paymasters."""
        of = {"user_operation": "spender", "paymaster": "owner"}
        return frozenset(
            address
            for kind, side in of.items()
            for address in self.authority.filter(pl.col("kind") == kind)[side]
        )

    @cached_property
    def several(self) -> frozenset[bytes]:
        """Contracts that may pay for many: those that are no account of somebody's (ERC-4337)."""
        own = self.authority.filter(pl.col("kind") == "user_operation")["owner"]
        return self.contracts - frozenset(own)

    @cached_property
    def busy(self) -> frozenset[bytes]:
        """Addresses that paid, or were paid by, more than ``MOST_PARTNERS``."""
        found = [
            self.movements.group_by(pl.col(side).alias("address"))
            .agg(pl.col(other).n_unique().alias("partners"))
            .filter(pl.col("partners") > MOST_PARTNERS)["address"]
            for side, other in (("sender", "receiver"), ("receiver", "sender"))
        ]
        return frozenset(found[0]) | frozenset(found[1])

    @cached_property
    def public(self) -> frozenset[bytes]:
        """Addresses that serve everybody: they join nobody."""
        concepts = {one for broad in ENDING for one in (broad, *descendants(broad))}
        serving = frozenset(
            address
            for address, said in self.tagged.items()
            if any(one.concept in concepts for one in said)
        )
        tokens = self.payments["contract"].drop_nulls().unique()
        return serving | self.carriers | self.busy | ZERO | frozenset(tokens)

    def read(self, contract: bytes | None) -> frozenset[bytes]:
        """Return the addresses of which every transfer of an asset was read, from the first on."""
        if contract not in self._read:
            self._read[contract] = self._read_whole(contract)
        return self._read[contract]

    @cached_property
    def _read(self) -> dict[bytes | None, frozenset[bytes]]:
        return {}

    def _read_whole(self, contract: bytes | None) -> frozenset[bytes]:
        coin = native(self.chain.id)
        asset = coin if contract is None else Asset(self.chain.id, contract, "", 0)
        mine = pl.col("contract").eq_missing(pl.lit(contract, pl.Binary))
        times = movement_times(self.movements.filter(mine), ("sender", "receiver"))
        claimed = histories(self.ledger, asset, claimed=True)
        return frozenset(
            address
            for address, readings in claimed.items()
            if not every_transfer(readings, times.get(address, (None, None))).why
        )

    def least(self, hours: int, part_of_coin: int, senders: int, contract: bytes | None) -> Times:
        """Return how far a deposit and its sweep may lie apart: of a token nothing may be left."""
        left = 10**self.chain.decimals // part_of_coin if contract is None and part_of_coin else 0
        return Times(hours, left, senders)

    def deposits(self, contract: bytes | None) -> Deposits:
        """Return what those paid and received, of one asset, who ever paid a service in it."""
        rows = self.of(contract)
        able = rows.filter(pl.col("to_service").is_not_null())["sender"].unique()
        mine = addresses(set(able) - set(self.tagged) - self.public)
        sent = rows.filter(pl.col("sender").is_in(mine.implode())).select(
            pl.col("sender").alias("address"), pl.col("to_service").alias("service"), "amount",
            "time",
        )  # fmt: skip
        return self._receiving(rows, sent, mine)

    @cached_property
    def known(self) -> frozenset[bytes]:
        """Addresses that are known to be deposit addresses: by a tag, or by custody (probable)."""
        told = frozenset(
            address
            for address, said in self.tagged.items()
            if any(one.concept == DEPOSIT for one in said)
        )
        sure = (pl.col("chain") == self.chain.id) & (pl.col("certainty") == "probable")
        judged = (frozenset(one.frame.filter(sure)["address"]) for one in self.hosted)
        return told.union(*judged)

    def known_deposits(self, contract: bytes | None) -> Deposits:
        """Return what those received, of one asset, who are known to be deposit addresses."""
        rows = self.of(contract)
        none = pl.DataFrame(schema={"address": pl.Binary, "service": pl.String})
        return self._receiving(rows, none, addresses(self.known))

    def _receiving(self, rows: pl.DataFrame, sent: pl.DataFrame, mine: pl.Series) -> Deposits:
        """Return what addresses sent, with what they received and from whom."""
        services = addresses(set(self.wallets))
        got = rows.filter(pl.col("receiver").is_in(mine.implode())).select(
            pl.col("receiver").alias("address"), pl.col("sender").alias("payer"), "amount", "time",
            pl.col("sender").is_in(services.implode()).alias("by_service"), "tx", "txid", "agreed",
        )  # fmt: skip
        payers = got.filter(~pl.col("by_service")).select("address", "payer").unique()
        return Deposits(sent, got, payers.sort("address", "payer"))


def addresses(some: Set[bytes]) -> pl.Series:
    """Return addresses as a sorted column."""
    return pl.Series("address", sorted(some), dtype=pl.Binary)
