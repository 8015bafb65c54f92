"""What rules on change say of a small ledger, worked out output by output, the slow way.

Nothing here shares code with what is tested: rows are dicts, every question searches all rows, and
unknown is None.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from chainwatch.ledger.ledger import Ledger

DAY = 86_400

_PAID = [*"ABCDEFGH", *"ABCDEFGH", "pk:K", "data"]


def both(*answers: bool | None) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


class Slow:
    """A ledger in memory whose whole blocks are those of ``coverage``."""

    def __init__(self, ledger: Ledger) -> None:
        self.txs = {row["tx"]: row for row in ledger.frames["transactions"].to_dicts()}
        self.outs = ledger.frames["outputs"].sort("tx", "n").to_dicts()
        self.ins = ledger.frames["inputs"].sort("tx", "n").to_dicts()
        by_id = {row["txid"]: tx for tx, row in self.txs.items()}
        for one in self.ins:
            made = by_id.get(one["prev_txid"])
            found = [out for out in self.outs if out["tx"] == made and out["n"] == one["prev_n"]]
            if found:
                one |= {"prev_tx": made, "value": found[0]["value"],
                        "address": found[0]["address"],
                        "kind": found[0]["script_kind"]}  # fmt: skip
            else:
                one["kind"] = one["script_kind"]
        self.whole = {row["height"] for row in ledger.frames["coverage"].to_dicts()}

    def inputs(self, tx: int) -> list[dict]:
        return [one for one in self.ins if one["tx"] == tx]

    def payments(self, tx: int) -> list[dict]:
        return [one for one in self.outs if one["tx"] == tx and one["spendable"]]

    def to_input(self, out: dict) -> bool | None:
        named = [one["address"] for one in self.inputs(out["tx"])]
        if out["address"] is not None and out["address"] in named:
            return True
        return None if None in named or len(named) < self.count(out["tx"]) else False

    def count(self, tx: int) -> int:
        return self.txs[tx]["input_count"]

    def kind(self, out: dict) -> bool | None:
        kinds = {one["kind"] for one in self.inputs(out["tx"])}
        if len(kinds - {None}) > 1 or (kinds - {None} and out["script_kind"] not in kinds):
            return False
        return None if None in kinds else True

    def small(self, out: dict) -> bool | None:
        values = [one["value"] for one in self.inputs(out["tx"])]
        if any(value is not None and out["value"] >= value for value in values):
            return False
        return None if None in values else True

    def top(self) -> int:
        """The last height up to which every block was read whole, from 0 on; -1 without."""
        height = -1
        while height + 1 in self.whole:
            height += 1
        return height

    def fresh(self, out: dict) -> bool | None:
        if out["address"] is None:
            return None
        for one in self.outs + self.ins:
            if one["address"] != out["address"]:
                continue
            before = one["tx"] < out["tx"] or (one["tx"] == out["tx"] and "prev_n" in one)
            if before:
                return False
        return True if self.txs[out["tx"]]["height"] <= self.top() else None

    def spender(self, out: dict) -> int | None:
        found = [one["tx"] for one in self.ins
                 if (one["prev_tx"], one["prev_n"]) == (out["tx"], out["n"])]  # fmt: skip
        return min(found, default=None)

    def spent(self, out: dict) -> bool | None:
        if self.spender(out) is not None:
            return True
        return False if self.txs[out["tx"]]["height"] in self.whole else None

    def once_spent(self, out: dict, test: Callable[[int], bool | None]) -> bool | None:
        known = self.spent(out)
        return test(self.spender(out)) if known else (None if known is None else True)

    def rate(self, tx: int) -> int | None:
        values = [one["value"] for one in self.inputs(tx)]
        if None in values or self.txs[tx]["coinbase"]:
            return None
        fee = sum(values) - self.txs[tx]["output_value"]
        return fee * 1000 // -(-self.txs[tx]["weight"] // 4)

    def ordered(self, tx: int) -> bool | None:
        ins = [(one["prev_txid"][::-1], one["prev_n"]) for one in self.inputs(tx)]
        outs = [one["value"] for one in self.outs if one["tx"] == tx]
        if len(ins) + len(outs) <= 2:
            return None
        return ins == sorted(ins) and outs == sorted(outs)

    def same(self, out: dict, mark: Callable[[int], object]) -> bool | None:
        def test(spender: int) -> bool | None:
            one, other = mark(out["tx"]), mark(spender)
            return None if one is None or other is None else one == other

        return self.once_spent(out, test)

    def sequences(self, tx: int) -> tuple[int, int] | None:
        found = [one["sequence"] for one in self.inputs(tx)]
        return (min(found), max(found)) if found else None

    def shape(self, tx: int) -> bool:
        return (self.count(tx), self.txs[tx]["output_count"]) == (1, 2)

    def peels(self, tx: int) -> bool | None:
        if not self.shape(tx):
            return False
        (one,) = self.inputs(tx)
        found: list[bool | None] = [None if one["prev_tx"] is None else self.shape(one["prev_tx"])]
        for out in self.payments(tx):
            found.append(self.spent(out) and self.shape(self.spender(out)))
        return True if True in found else (None if None in found else False)

    def goes_on(self, out: dict) -> bool | None:
        return both(self.peels(out["tx"]), self.once_spent(out, self.shape))

    def only(self, out: dict, test: Callable[[dict], bool | None]) -> bool | None:
        found = [test(one) for one in self.payments(out["tx"])]
        if found.count(True) > 1:
            return False
        return None if None in found else found.count(True) == 1

    def new_and_small(self, out: dict) -> bool | None:
        return both(self.fresh(out), self.small(out))

    def legacy(self, out: dict) -> bool | None:
        several = len(self.payments(out["tx"])) > 1
        return both(self.new_and_small(out), several, self.only(out, self.new_and_small))

    def one_time(self, out: dict, days: int) -> bool | None:
        back = [self.to_input(one) for one in self.payments(out["tx"])]
        self_change = True if True in back else (None if None in back else False)
        return both(
            self.fresh(out), self.only(out, self.fresh),
            None if self_change is None else not self_change, self.waited(out, days * DAY),
        )  # fmt: skip

    def waited(self, out: dict, wait: int) -> bool | None:
        start = self.txs[out["tx"]]["time"]
        later = [one["tx"] for one in self.outs
                 if one["address"] == out["address"] and one["tx"] > out["tx"]]  # fmt: skip
        if out["address"] is not None and later:
            first = self.txs[min(later)]["time"]
            if (first - start).total_seconds() < wait:
                return False
        if self.top() < 0 or out["address"] is None:
            return None
        ends = [row["time"] for row in self.txs.values() if row["height"] == self.top()]
        return True if ends and (ends[0] - start).total_seconds() >= wait else None

    def needed(self, out: dict) -> bool | None:
        paid = self.payments(out["tx"])
        if len(paid) != 2 or self.count(out["tx"]) < 2:
            return True
        values = [one["value"] for one in self.inputs(out["tx"]) if one["value"] is not None]
        if values and min(one["value"] for one in paid) >= min(values):
            return None
        return self.small(out)

    def answers(self, out: dict) -> dict[str, bool | None]:
        """Return what each rule of ``change_cases`` says of an output."""
        txs = self.txs
        tests: dict[str, Callable[[], bool | None]] = {
            "address_reuse": lambda: self.to_input(out),
            "address_type": lambda: self.kind(out),
            "optimal_change": lambda: self.small(out),
            "power_of_ten": lambda: out["value"] % 10**6 != 0,
            "fresh_address": lambda: self.fresh(out),
            "locktime": lambda: self.same(out, lambda tx: txs[tx]["locktime"] > 0),
            "fixed_fee": lambda: self.same(out, self.rate),
            "peeling_chain": lambda: self.goes_on(out),
            "legacy": lambda: self.legacy(out),
            "one_time_change": lambda: self.one_time(out, 0),
            "same_version": lambda: self.same(out, lambda tx: txs[tx]["version"]),
            "same_sequence": lambda: self.same(out, self.sequences),
            "same_order": lambda: self.same(out, self.ordered),
            "unnecessary_input": lambda: self.needed(out),
            "spent": lambda: self.spent(out),
        }
        if not out["spendable"] or txs[out["tx"]]["coinbase"]:
            return dict.fromkeys(tests, False)
        return {name: test() for name, test in tests.items()}


def random_ledger(seed: int) -> tuple[str, tuple[int, ...]]:
    """Return a small random ledger as ``change_cases`` reads it, and blocks that were not read."""
    rng = Random(seed)  # noqa: S311 - a test, not a secret
    lines, open_, changes = [], [], []
    count = rng.randrange(2, 8)
    for number in range(1, count + 1):
        name = f"t{number}"
        ins = []
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            if open_ and rng.random() < 0.6:
                ins.append(open_.pop(rng.randrange(len(open_))))
            else:
                named = f"{rng.choice('ABCDEFGH')}={rng.choice([50, 70, 90])}"
                ins.append(rng.choice(["?", "pk:K=900", named, named]))
        if rng.random() < 0.05:
            ins = ["coinbase"]
        outs = [
            f"{rng.choice(_PAID)}={rng.choice([1_000_000, 30, 50, 60, 70])}"
            for _ in range(rng.choice([1, 2, 2, 2, 3]))
        ]
        open_ += [f"{name}/{n}" for n, out in enumerate(outs) if not out.startswith("data")]
        lines.append(f"{name}: {' '.join(ins)} -> {' '.join(outs)}")
        if rng.random() < 0.5:
            changes.append(f"! {name} version={rng.choice([1, 2])} locktime={rng.choice([0, 5])}"
                           f" sequence={rng.choice([0, 9])}")  # fmt: skip
    gaps = rng.choice([(), (), (), (0,), (rng.randrange(1, count + 1),), tuple(range(count + 1))])
    return "\n".join(lines + changes), gaps
