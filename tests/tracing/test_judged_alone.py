"""Rules on mixes say of single transactions what they say of them among the whole chain."""

from __future__ import annotations

import random
from typing import Any

import pytest

import chainwatch as cw
from chainwatch.errors import ArgumentError
from chainwatch.heuristics import change
from chainwatch.heuristics.catalogue import RULES
from chainwatch.heuristics.coinjoin import JOINT
from chainwatch.heuristics.rule import Rule, spec_of
from chainwatch.ledger.index.index import build_index
from chainwatch.simulate.owners.simulation import simulate_owners
from chainwatch.sources.block_files import BlockFiles
from chainwatch.tracing.stops import Mixes, joint_transactions

CHAIN = "btc-regtest"
ON_TRANSACTIONS = [make for make in RULES if spec_of(make).on == "transactions"
                   and spec_of(make).name != "since"]  # fmt: skip


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return simulated owners with mixes of every protocol."""
    folder = tmp_path_factory.mktemp("owners")
    simulate_owners(7, part="fit", blocks=60).write(folder)
    cw.pull(folder / "ledger", BlockFiles(folder / "blocks.dat", chain=CHAIN))
    return cw.open_ledger(folder / "ledger")


@pytest.fixture(scope="module")
def whole(ledger: Any) -> dict[str, dict[int, Any]]:
    return {str(rule): joint_transactions(ledger, [rule], _chain(ledger)) for rule in rules()}


def _chain(ledger: Any) -> str:
    return str(ledger.chains[0].id)


def rules() -> list[Rule]:
    return [*(make() for make in ON_TRANSACTIONS), JOINT]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule)[:30])
@pytest.mark.parametrize("indexed", [True, False])
def test_a_few_at_a_time_are_judged_as_all_are(
    ledger: Any, whole: dict[str, dict[int, Any]], rule: Rule, indexed: bool
) -> None:
    numbers = ledger.transactions.select("tx").collect()["tx"].sort().to_list()
    pick = random.Random(3)  # noqa: S311  # the same each time
    hit = [tx for tx in numbers if tx in whole[str(rule)]]
    few = {*pick.sample(numbers, 60), *pick.sample(hit, min(len(hit), 25))}
    index = build_index(ledger)[0] if indexed else None
    mixes = Mixes(ledger, [rule], _chain(ledger), index)
    some = sorted(few)
    mixes.ask(some[::2])
    mixes.ask(some)
    assert mixes.found == {tx: end for tx, end in whole[str(rule)].items() if tx in few}
    assert mixes.judged == len(few)


def test_rules_on_outputs_are_refused(ledger: Any) -> None:
    with pytest.raises(ArgumentError, match="rules on transactions; this one reads outputs"):
        Mixes(ledger, [change.locktime()], _chain(ledger))
