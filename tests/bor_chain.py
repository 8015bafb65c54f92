"""A made-up chain that runs Bor, which keeps its own books, and a node that answers of it.

The books are kept by code of its own: every payment, fee and deposit changes two balances and
writes the log that Bor writes of it, with both balances before and after. The chain has small
heights of its own for what Polygon has at heights of millions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import evm_chain
from evm_chain import GAS, Call, Tx, address, log, word

from chainwatch.chains.base import Bor, Chain, CoinMoves

NUMBER = 980_137
LONDON, SECOND, CANCUN, LISTED, SPRINT = 4, 10, 12, 16, 4
ACCOUNTS = ("0x" + "b1" * 20, "0x" + "b2" * 20)
"""Who gets base fees: the first from LONDON on, the other from SECOND on."""

COIN, RECEIVER = f"0x{0x1010:040x}", f"0x{0x1001:040x}"
SYSTEM, NOBODY = "0x" + "f" * 39 + "e", address(0)
MAKERS = (address(0xA1), address(0xA2))
ROOT = "0x7d1afa7b718fb893db30a3abc0cfc608aacfebb0"
"""The token on the chain below, which the contract of the coin names in logs of its own."""

PAID = "0xe6497e3ee548a3372136af2fcb0696db31fc6cf20260707645068bd3fe97f3c4"
TIPPED = "0x4dfe1bbbcf077ddc3e01291eea2d5c70c2b422b415d95645b9adcfd678cb1d63"
COMMITTED = "0x5a22725590b0a51c923940223f7458512164b1113359a735e86e7f27f44791ee"

CHAIN = Chain(
    f"eip155:{NUMBER}", "bor-made-up", "made-up Bor", "evm", "POL", 18, mainnet=False,
    moves=CoinMoves(bor=Bor(
        base_fees=((LONDON, ACCOUNTS[0]), (SECOND, ACCOUNTS[1])), sprints=((0, SPRINT),),
        listed_from=LISTED, cancun=CANCUN,
    )),
    coin_contracts=(COIN,),
)  # fmt: skip


def moved_log(event: str, payer: str, payee: str, words: Iterable[int]) -> dict[str, Any]:
    topics = [event, *(f"0x{word(who)}" for who in (COIN, payer, payee))]
    return log(topics, "0x" + "".join(word(one) for one in words), COIN)


@dataclass
class Act:
    """What somebody sends: a call, what contracts log, whether it fails, and what gas costs.

    ``free`` are those whom a rule lets pay nothing: their receipts do not show it.
    """

    call: Call
    logs: list[dict[str, Any]] = field(default_factory=list)
    failed: bool = False
    tip: int = 5
    unlogged: bool = False
    free: bool = False


@dataclass
class State:
    """What comes from the chain below: for whom how much of the coin, and what else is called."""

    deposits: list[tuple[str, int]]
    calls: list[Call] = field(default_factory=list)
    logs: list[dict[str, Any]] = field(default_factory=list)


class Books:
    """A chain with what everybody holds after each of its blocks."""

    def __init__(self, genesis: dict[str, int], accounts: tuple[str, str] = ACCOUNTS) -> None:
        self.accounts = accounts
        self.chain = evm_chain.Chain(chain_id=NUMBER)
        self.holds, self.counted = dict(genesis), 0
        self.history: list[dict[str, int]] = [dict(genesis)]
        self.counts, self.beside = [0], set[int]()
        self.chain.add(miner=NOBODY, baseFeePerGas=None, blobGasUsed=None)

    @property
    def height(self) -> int:
        """The height of the next block."""
        return len(self.chain.blocks)

    def _move(self, payer: str, payee: str, amount: int) -> tuple[int, ...]:
        """Move the coin; return the words that a log of it has."""
        before = self.holds.get(payer, 0), self.holds.get(payee, 0)
        assert before[0] >= amount, f"{payer} has {before[0]} and pays {amount}"
        self.holds[payer] = before[0] - amount
        self.holds[payee] = self.holds.get(payee, 0) + amount
        return amount, *before, self.holds[payer], self.holds[payee]

    def _run(self, call: Call) -> list[dict[str, Any]]:
        """Run calls: each that pays is logged; what a contract leaves when it ends is not."""
        if call.error or call.kind in ("delegatecall", "staticcall"):
            return []
        logs = []
        if call.value and call.kind == "selfdestruct":
            if call.sender != call.receiver:
                self._move(call.sender, call.receiver, call.value)
            elif self.height < CANCUN:
                self._move(call.sender, NOBODY, call.value)
        elif call.value:
            words = self._move(call.sender, call.receiver, call.value)
            logs.append(moved_log(PAID, call.sender, call.receiver, words))
        return [*logs, *(one for inner in call.calls for one in self._run(inner))]

    def _sent(self, act: Act, base: int, maker: str) -> Tx:
        payer = act.call.sender
        logs = [] if act.failed else [*self._run(act.call), *act.logs]
        if base and not act.free:
            self._move(payer, self.accounts[self.height >= SECOND], GAS * base)
        if act.tip and not act.free:
            words = self._move(payer, maker, GAS * act.tip)
            if not act.unlogged:
                logs.append(moved_log(TIPPED, payer, maker, words))
        price = hex(base + act.tip)
        return Tx(act.call, logs, act.failed, {"gasPrice": price}, {"effectiveGasPrice": price})

    def _state(self, state: State) -> Tx:
        """Return what no account sent: a call of the contract of states for each deposit."""
        calls = [
            Call(SYSTEM, RECEIVER, calls=[Call(RECEIVER, COIN, calls=[Call(COIN, who, much)])])
            for who, much in state.deposits
        ] + [Call(SYSTEM, RECEIVER, calls=[one]) for one in state.calls]  # fmt: skip
        logs = []
        for call in calls:
            self.counted += 1
            logs += self._run(call)
            topics = [COMMITTED, "0x" + word(self.counted)]
            logs.append(log(topics, "0x" + word(1), RECEIVER))
        listed = self.height >= LISTED
        nobody = {"from": NOBODY, "to": NOBODY, "gasPrice": "0x0", "chainId": None,
                  "type": "0x7f" if listed else "0x0"}  # fmt: skip
        spent = {"gasUsed": "0x0", "effectiveGasPrice": "0x0"}
        return Tx(Call(SYSTEM, RECEIVER, calls=calls), [*logs, *state.logs], more=nobody,
                  receipt=spent)  # fmt: skip

    def add(self, *acts: Act, state: State | None = None, maker: str = MAKERS[0]) -> Books:
        """Add a block of what somebody sends, and of what comes from the chain below."""
        base = 7 if self.height >= LONDON else 0
        txs = [self._sent(act, base, maker) for act in acts]
        logged = [one for tx in txs for one in tx.logs]
        if state is not None:
            txs.append(self._state(state))
            logged += txs[-1].logs if self.height >= LISTED else []
        gas = hex(GAS * len(acts))
        more = {"baseFeePerGas": hex(base) if base else None, "blobGasUsed": None}
        self.chain.add(*txs, miner=NOBODY, difficulty="0x5", gasUsed=gas,
                       logsBloom=evm_chain.bloom(logged), **more)  # fmt: skip
        if state is not None:
            self.chain.receipts[-1][-1]["cumulativeGasUsed"] = "0x0"
            if len(self.chain.blocks) <= LISTED:
                self._stand_beside()
        self.history.append(dict(self.holds))
        self.counts.append(self.counted)
        return self

    def _stand_beside(self) -> None:
        """Give the last transaction the id that it has beside its block."""
        from eth_hash.auto import keccak

        height = len(self.chain.blocks) - 1
        block = self.chain.blocks[height]
        told = height.to_bytes(8, "big") + bytes.fromhex(block["hash"][2:])
        name, own = block["transactions"][-1]["hash"], keccak(b"matic-bor-receipt-" + told).hex()
        for part in (self.chain.blocks, self.chain.receipts):
            part[height] = json.loads(json.dumps(part[height]).replace(name[2:], own))
        self.beside.add(height)


@dataclass
class BorNode(evm_chain.Node):
    """A node that runs Bor; ``states`` is how it traces what came from the chain below.

    ``lost`` are heights whose states it was not there for; ``knows`` whether it knows old states of
    contracts; ``apart`` leaves their receipts out of those of their block.
    """

    books: Books = field(default_factory=lambda: Books({}))
    states: str = "whole"
    lost: frozenset[int] = frozenset()
    knows: bool = True
    apart: bool = False

    def result(self, method: str, params: list[Any]) -> Any:
        pruned = evm_chain.Refusal(-32000, "missing trie node")
        if method == "eth_call" and params[0]["to"] == RECEIVER:
            assert params[0]["data"] == "0x5407ca67"
            height = int(params[1], 16)
            return "0x" + word(self.books.counts[height]) if self.knows else pruned
        if method == "eth_getBalance":
            held = self.books.history[int(params[1], 16)]
            return hex(held.get(params[0].lower(), 0)) if self.knows else pruned
        found = super().result(method, params)
        if method in ("eth_getTransactionReceipt", "eth_chainId", "eth_blockNumber", "eth_call"):
            return found
        height = int(params[0], 16)
        brings = self._brings(height)
        if not brings:
            return found
        if method == "eth_getBlockByNumber":
            kept = found["transactions"][:-1] if height in self.lost else found["transactions"]
            return {**found, "transactions": kept}
        if method == "eth_getBlockReceipts":
            return found[:-1] if height in self.lost or self.apart else found
        return self._traced(method, params, found, height)

    def _brings(self, height: int) -> bool:
        at = self.books.counts
        return 0 < height < len(at) and at[height] > at[height - 1]

    def _traced(self, method: str, params: list[Any], found: list[Any], height: int) -> Any:
        last = self.books.chain.blocks[height]["transactions"][-1]["hash"]
        if method == "debug_traceBlockByNumber":
            assert params[1]["borTraceEnabled"] is True
        name = "txHash" if method == "debug_traceBlockByNumber" else "transactionHash"
        others = [one for one in found if one[name] != last]
        if height in self.lost or self.states == "left out":
            return others
        if self.states == "whole":
            return found
        made: dict[str, dict[str, Any]] = {
            "empty": {"result": evm_chain.nested(Call(NOBODY, NOBODY))},
            "of no form": {"result": {"gas": 0, "failed": False, "structLogs": []}},
            "refused": {"error": "tracing failed"},
        }
        return [*others, {"txHash": last, **made[self.states]}]


def held_log(contract: str, payer: str, payee: str, amount: int) -> dict[str, Any]:
    """Return what the contract of the coin logs of its own when it is used as a token."""
    topics = [PAID, *(f"0x{word(who)}" for who in (ROOT, payer, payee))]
    return log(topics, "0x" + word(amount) * 5, contract)
