"""One payment of a route as the ledger tells it, and what else could explain it, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainwatch.ledger.index.build import NONE
from chainwatch.tracing.paths.coin_graph import spent_in_all
from chainwatch.tracing.paths.coins import CoinGround
from chainwatch.tracing.paths.tables import SAME_AMOUNT
from chainwatch.tracing.paths.told import Payment
from chainwatch.tracing.paths.transfers import TransferGround
from chainwatch.units import counted

PEELED = 5
"""A peel leaves at least four fifths of the coin with the chain: one part in so many is paid."""


@dataclass(frozen=True)
class CoinTelling:
    """Tells of coins by the place of their outputs."""

    ground: CoinGround

    def payment(self, move: int, before: int | None, payer: bytes | None) -> Payment:
        """Return the payment that made a coin."""
        coins, made = self.ground.coins, self.ground.made
        tx = int(np.searchsorted(made["out_ptr"], move, side="right")) - 1
        first = int(made["in_ptr"][tx])
        whose = payer or coins.address(int(made["in_addr"][first]))
        if before is not None:
            whose = coins.address(int(made["out_addr"][before]))
        return Payment(
            coins.number(tx), coins.txid(tx), int(made["out_n"][move]), coins.time(tx), whose,
            self.ground.address_of(move), int(made["out_val"][move]),
            self._otherwise(tx, move), self._peels(tx, move),
        )  # fmt: skip

    def _otherwise(self, tx: int, move: int) -> str:
        made, asset = self.ground.made, self.ground.parties.asset
        ins, outs = int(made["tx_inputs"][tx]), int(made["tx_outputs"][tx])
        a, b = int(made["in_ptr"][tx]), int(made["in_ptr"][tx + 1])
        payers = len({one for one in made["in_addr"][a:b].tolist() if one != NONE})
        said = []
        values = made["out_val"][made["out_ptr"][tx] : made["out_ptr"][tx + 1]]
        alike = int((values == made["out_val"][move]).sum())
        if payers > 1 and alike > 1:
            said.append(
                f"{alike} {SAME_AMOUNT}: if strangers mixed their coins here, the"
                " money may have left in any of them"
            )
        elif payers > 1:
            said.append(
                f"coins of {payers} addresses went in together: which of them paid whom is not on"
                " the chain"
            )
        if outs > 1:
            others = asset.shown(int(values.sum()) - int(made["out_val"][move]))
            said.append(
                f"{counted(outs - 1, 'other output', 'other outputs')} got {others}: this one may"
                " be change, or a payment to somebody else"
            )
        if spent_in_all(self.ground, tx) is None:
            said.append(f"of its {counted(ins, 'input', 'inputs')} not all were read")
        return "; ".join(said) or "one coin became this one whole: a payment, or one owner's move"

    def _peels(self, tx: int, move: int) -> bool:
        """Tell whether one coin was divided in two, a small part paid and the rest carried on."""
        made = self.ground.made
        if int(made["tx_inputs"][tx]) != 1 or int(made["tx_outputs"][tx]) != 2:
            return False
        values = made["out_val"][made["out_ptr"][tx] : made["out_ptr"][tx + 1]].tolist()
        peel = min(values)
        return bool(int(made["out_val"][move]) == max(values) and peel * PEELED <= sum(values))


@dataclass(frozen=True)
class TransferTelling:
    """Tells of transfers by their places."""

    ground: TransferGround

    def payment(self, move: int, before: int | None, payer: bytes | None) -> Payment:
        """Return a transfer."""
        row = self.ground.transfers.row(move)
        return Payment(
            row["tx"], row["txid"], row["n"], row["time"], row["sender"], row["receiver"],
            row["amount"], self._otherwise(move, row["sender"], row["amount"]), False,
        )  # fmt: skip

    def _otherwise(self, move: int, sender: bytes, amount: int) -> str:
        asset = self.ground.parties.asset
        if not self.ground.read.get(sender):
            return (
                "the history of who pays was not read: what he held besides, and may have paid of,"
                " is not known"
            )
        held = self.ground.transfers.history(sender).before(move)
        if held <= amount:
            return "it took all that the balance held"
        return (
            f"the balance held at least {asset.shown(held)}: which of it was paid is not on the"
            " chain"
        )


__all__ = ["CoinTelling", "TransferTelling"]
