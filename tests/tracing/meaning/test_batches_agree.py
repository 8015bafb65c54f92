"""Two verbs that see batches say the same of whom a contract paid for whom."""

from __future__ import annotations

import polars as pl
import pytest

import chainwatch as cw
from chainwatch.simulate.swaps.simulation import simulate_swaps

PAYMENT = ["txid", "contract", "sender", "receiver", "amount"]


@pytest.mark.parametrize("adversarial", [False, True])
def test_every_batch_of_meanings_is_one_of_the_rules_on_owners(adversarial: bool) -> None:
    """Rules on owners also rewrite trades, which look like batches to them: they join nobody."""
    ledger = simulate_swaps(0, part="fit", adversarial=adversarial).ledger()
    batches = cw.meanings(ledger).frame.filter(meaning="batch", side="paid")
    rewritten = cw.batched_payments(ledger, payees=1).frame
    payers = rewritten.select("txid", "contract", "receiver", "amount", sender="payer")
    assert batches.height > 20
    assert batches.select(PAYMENT).join(payers, on=PAYMENT, how="anti", nulls_equal=True).is_empty()


def test_what_both_tell_has_one_payer() -> None:
    ledger = simulate_swaps(1, part="fit").ledger()
    told = cw.meanings(ledger).frame.filter(
        pl.col("meaning").is_in(["batch", "passed through"]), side="paid"
    )
    rewritten = cw.batched_payments(ledger, payees=1).frame.filter(pl.col("certain"))
    both = told.join(
        rewritten, on=["txid", "contract", "receiver", "amount"], how="inner", nulls_equal=True
    )
    assert both.height > 20
    assert both["sender"].eq(both["payer"]).all()
