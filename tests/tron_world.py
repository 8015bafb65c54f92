"""A small chain of Tron, written step by step, and the balances that its rules give.

It imports nothing of chainwatch: what sources read from its servers is held to it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

_LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CHAIN_ID = "2b6653dc"
BEGUN = 1_700_000_000_000
TRANSFER = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
APPROVAL = "8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
ZERO = "41" + "00" * 20


def account(name: str) -> str:
    """Return the address of a name, 42 hexadecimal digits: the name is legible in it."""
    return "41" + name.encode().rjust(20, b".").hex()


def base58(address: str) -> str:
    """Return an address of 42 hexadecimal digits as people write it."""
    data = bytes.fromhex(address)
    data += hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _LETTERS[digit] + text
    return text


def word(value: int) -> str:
    """Return a number as a word of a log."""
    return f"{value:064x}"


@dataclass
class World:
    """A chain: each step makes a block of one transaction, unless more are put into one."""

    blocks: list[dict[str, Any]] = field(default_factory=list)
    infos: dict[str, dict[str, Any]] = field(default_factory=dict)
    listed: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    spendable: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    held: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    waiting: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    unique: set[str] = field(default_factory=set)
    same_block: bool = False

    def __post_init__(self) -> None:
        self._block("genesis")

    def _block(self, salt: str) -> dict[str, Any]:
        height = len(self.blocks)
        tail = hashlib.sha256(f"{height} {salt}".encode()).hexdigest()[16:]
        name = f"{height:016x}{tail}"
        if not height:
            name = name[:-8] + CHAIN_ID
        parent = self.blocks[-1]["blockID"] if self.blocks else "0" * 64
        raw = {"number": height, "timestamp": BEGUN + 3_000 * height, "parentHash": parent,
               "txTrieRoot": "0" * 64, "version": 30, "witness_address": account("sr")}  # fmt: skip
        if not height:
            del raw["number"]  # a node leaves out what is zero
        self.blocks.append({"blockID": name, "block_header": {"raw_data": raw}, "transactions": []})
        return self.blocks[-1]

    @property
    def tip(self) -> dict[str, Any]:
        return self.blocks[-1]

    def do(self, kind: str, owner: str, value: dict[str, Any] | None = None, *, fee: int = 0,
           ok: bool = True, code: bool = False, receipt: dict[str, int] | None = None,
           info: dict[str, Any] | None = None, internal: list[dict[str, Any]] | None = None,
           logs: list[dict[str, Any]] | None = None) -> str:  # fmt: skip
        """Put a transaction into a block, and what came of it beside it."""
        block = self.tip if self.same_block else self._block(f"{len(self.infos)}")
        signed = f"{kind} {owner} {len(self.infos)}".encode()
        txid = hashlib.sha256(signed).hexdigest()
        told = {"owner_address": account(owner), **(value or {})}
        raw = {"contract": [{"parameter": {"value": told, "type_url": f"protocol.{kind}"},
                             "type": kind}], "timestamp": 1}  # fmt: skip
        ret = {"contractRet": "SUCCESS" if ok else "REVERT"}
        transaction = {"ret": [ret], "txID": txid, "raw_data": raw, "raw_data_hex": signed.hex(),
                       "signature": ["00" * 65]}  # fmt: skip
        block["transactions"].append(transaction)
        height = len(self.blocks) - 1
        time = BEGUN + 3_000 * height
        used = receipt or {"net_usage": 270}
        self.infos[txid] = {
            "id": txid, "blockNumber": height, "blockTimeStamp": time, "contractResult": [""],
            "receipt": {**used, **({"result": ret["contractRet"]} if code else {})},
            **({"fee": fee} if fee else {}), **({} if ok else {"result": "FAILED"}),
            **({"log": logs} if logs else {}), **(info or {}),
            **({"internal_transactions": internal} if internal else {}),
        }  # fmt: skip
        moved = {name: much for name, much in (info or {}).items() if name != "contract_address"}
        self.listed.append({
            **transaction, "ret": [{**ret, "fee": fee}], "blockNumber": height,
            "block_timestamp": time, **{"net_fee": 0, "energy_fee": 0, "energy_usage": 0,
                                        "energy_usage_total": 0, "net_usage": 0, **used},
            **moved, "internal_transactions": [],
        })  # fmt: skip
        for one in internal or ():
            self.listed.append({
                "internal_tx_id": one["hash"], "tx_id": txid, "block_timestamp": time,
                "from_address": one["caller_address"], "to_address": one["transferTo_address"],
                "data": {"note": bytes.fromhex(one["note"]).decode(),
                         "rejected": one.get("rejected", False),
                         "call_value": {part.get("tokenId", "_"): part.get("callValue", 0)
                                        for part in one["callValueInfo"]}},
            })  # fmt: skip
            self._move_internal(one, ok=ok)
        self._log(txid, logs or [], time, height)
        self.spendable[account(owner)] -= fee
        return txid

    def _move_internal(self, one: dict[str, Any], *, ok: bool) -> None:
        if bytes.fromhex(one["note"]) not in (b"call", b"create", b"suicide"):
            return
        for part in one["callValueInfo"]:
            if ok and not one.get("rejected") and "tokenId" not in part:
                self.spendable[one["caller_address"]] -= part.get("callValue", 0)
                self.spendable[one["transferTo_address"]] += part.get("callValue", 0)

    def _log(self, txid: str, logs: list[dict[str, Any]], time: int, height: int) -> None:
        for place, log in enumerate(logs):
            contract, topics = "41" + log["address"], log["topics"]
            if topics[0] not in (TRANSFER, APPROVAL):
                self.events.append({
                    "transaction_id": txid, "contract_address": base58(contract),
                    "block_timestamp": time, "block_number": height, "event_index": place,
                    "event_name": log["name"], "result": log["result"],
                })  # fmt: skip
                continue
            first, second = ("41" + topic[24:] for topic in topics[1:3])
            value = int(topics[3] if len(topics) == 4 else log["data"], 16)
            self.tokens.append({
                "transaction_id": txid, "block_timestamp": time, "from": base58(first),
                "to": base58(second), "value": str(value),
                "type": "Transfer" if topics[0] == TRANSFER else "Approval",
                "token_info": {"symbol": "TOK", "address": base58(contract), "name": "Token",
                               "decimals": 0 if contract in self.unique else 6},
            })  # fmt: skip
            if topics[0] == TRANSFER:
                much = 1 if contract in self.unique else value
                self.held[contract, first] -= much
                self.held[contract, second] += much

    # What people do.

    def mint(self, to: str, amount: int) -> str:
        """Give TRX to an account out of nothing: from one that nobody looks at."""
        return self.pay("genesis", to, amount)

    def pay(self, owner: str, to: str, amount: int, fee: int = 0) -> str:
        self.spendable[account(owner)] -= amount
        self.spendable[account(to)] += amount
        return self.do("TransferContract", owner, {"to_address": account(to), "amount": amount},
                       fee=fee)  # fmt: skip

    def numbered(self, owner: str, to: str, token: str, amount: int) -> str:
        """Pay a TRC-10 token; a node writes the digits of its number in hexadecimal."""
        return self.do("TransferAssetContract", owner, {
            "to_address": account(to), "asset_name": token.encode().hex(), "amount": amount,
        })  # fmt: skip

    def stake(self, owner: str, amount: int, resource: str = "ENERGY") -> str:
        self.spendable[account(owner)] -= amount
        value: dict[str, Any] = {"frozen_balance": amount}
        if resource != "BANDWIDTH":
            value["resource"] = resource  # a node leaves out what is the default
        return self.do("FreezeBalanceV2Contract", owner, value)

    def unstake(self, owner: str, amount: int, matured: int = 0) -> str:
        """Unstake; what has matured comes back of itself."""
        self.spendable[account(owner)] += matured
        self.waiting[account(owner)] += amount - matured
        value = {"unfreeze_balance": amount, "resource": "ENERGY"}
        info = {"withdraw_expire_amount": matured} if matured else {}
        return self.do("UnfreezeBalanceV2Contract", owner, value, info=info)

    def withdraw(self, owner: str) -> str:
        much = self.waiting.pop(account(owner))
        self.spendable[account(owner)] += much
        return self.do("WithdrawExpireUnfreezeContract", owner,
                       info={"withdraw_expire_amount": much})  # fmt: skip

    def cancel(self, owner: str, again: int, matured: int) -> str:
        self.spendable[account(owner)] += matured
        info: dict[str, Any] = {"cancel_unfreezeV2_amount": {"ENERGY": again, "BANDWIDTH": 0}}
        if matured:
            info["withdraw_expire_amount"] = matured
        return self.do("CancelAllUnfreezeV2Contract", owner, info=info)

    def stake_old(self, owner: str, amount: int, to: str | None = None) -> str:
        self.spendable[account(owner)] -= amount
        value = {"frozen_balance": amount, "frozen_duration": 3}
        if to:
            value |= {"receiver_address": account(to)}  # type: ignore[dict-item]  # of both types
        return self.do("FreezeBalanceContract", owner, value)

    def unstake_old(self, owner: str, amount: int) -> str:
        self.spendable[account(owner)] += amount
        return self.do("UnfreezeBalanceContract", owner, info={"unfreeze_amount": amount})

    def reward(self, owner: str, amount: int) -> str:
        self.spendable[account(owner)] += amount
        return self.do("WithdrawBalanceContract", owner, info={"withdraw_amount": amount})

    def vote(self, owner: str, **votes: int) -> str:
        told = [{"vote_address": account(to), "vote_count": much} for to, much in votes.items()]
        return self.do("VoteWitnessContract", owner, {"votes": told})

    def lend(self, owner: str, to: str, amount: int, *, back: bool = False) -> str:
        kind = "UnDelegateResourceContract" if back else "DelegateResourceContract"
        return self.do(kind, owner, {"balance": amount, "resource": "ENERGY",
                                     "receiver_address": account(to)})  # fmt: skip

    def call(
        self,
        owner: str,
        contract: str,
        *,
        sent: int = 0,
        ok: bool = True,
        fee: int = 0,
        logs: list[dict[str, Any]] | None = None,
        passed: list[tuple[str, str, int]] = (),
    ) -> str:  # type: ignore[assignment]
        """Call a contract, which logs and passes on TRX."""
        if ok:
            self.spendable[account(owner)] -= sent
            self.spendable[account(contract)] += sent
        value: dict[str, Any] = {"contract_address": account(contract), "data": "a9059cbb"}
        if sent:
            value["call_value"] = sent
        internal = [
            {"hash": hashlib.sha256(f"{len(self.infos)} {place}".encode()).hexdigest(),
             "caller_address": account(one), "transferTo_address": account(other),
             "callValueInfo": [{"callValue": much} if much else {}], "note": "63616c6c",
             **({} if ok else {"rejected": True})}
            for place, (one, other, much) in enumerate(passed)
        ]  # fmt: skip
        return self.do("TriggerSmartContract", owner, value, ok=ok, fee=fee, code=True,
                       receipt={"energy_usage": 100, "energy_fee": fee, "net_usage": 345},
                       info={"contract_address": account(contract)},
                       internal=internal, logs=logs if ok else None)  # fmt: skip

    def act(self, owner: str, contract: str, *acts: tuple[Any, ...], ok: bool = True) -> str:
        """Call a contract that does something by an instruction of its own: ``(note, to, amount,
        what it adds to what the contract can spend[, rejected])`` for each."""
        internal = []
        for place, (note, other, much, spendable, *rest) in enumerate(acts):
            name = hashlib.sha256(f"{len(self.infos)} act {place}".encode()).hexdigest()
            internal.append({
                "hash": name, "caller_address": account(contract),
                "transferTo_address": account(other) if other else "",
                "callValueInfo": [{"callValue": much} if much else {}],
                "note": note.encode().hex(), **({"rejected": True} if rest or not ok else {}),
            })  # fmt: skip
            if ok and not rest:
                self.spendable[account(contract)] += spendable
        return self.do("TriggerSmartContract", owner,
                       {"contract_address": account(contract), "data": "a9059cbb"}, ok=ok,
                       code=True, info={"contract_address": account(contract)},
                       internal=internal)  # fmt: skip

    def token(self, owner: str, contract: str, *moves: tuple[str, str, int]) -> str:
        """Move tokens: a call whose contract logs each movement."""
        return self.call(owner, contract, logs=[moved(contract, *move) for move in moves])


def moved(contract: str, sender: str, receiver: str, amount: int) -> dict[str, Any]:
    """Return the log of a movement of tokens."""
    return {
        "address": account(contract)[2:], "data": word(amount),
        "topics": [TRANSFER, *(account(one)[2:].rjust(64, "0") for one in (sender, receiver))],
    }  # fmt: skip


def moved_unique(contract: str, sender: str, receiver: str, token: int) -> dict[str, Any]:
    """Return the log of a movement of a unique token: its id is a topic."""
    log = moved(contract, sender, receiver, 0)
    return {**log, "data": "", "topics": [*log["topics"], word(token)]}


def approved(contract: str, owner: str, spender: str, amount: int) -> dict[str, Any]:
    """Return the log of authority over tokens."""
    log = moved(contract, owner, spender, amount)
    return {**log, "topics": [APPROVAL, *log["topics"][1:]]}
