"""What each type of transaction of Tron does to balances and resources: a line each.

A transaction pays, or changes what its sender may spend and use. A type that is not listed here
may move anything: it is told as *other*, with what it moved unknown.

References
----------
java-tron, ``protocol/src/main/protos/core/Tron.proto`` (types), ``actuator/`` (what each does).
TIP-467 (Stake 2.0).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chainwatch.addresses.canonical import Kind
from chainwatch.chains.base import Chain
from chainwatch.errors import SourceError
from chainwatch.sources.tron.fields import LIAR, Told, address, amount

ZERO = bytes((Kind.TRON,)) + bytes(20)
"""Nobody: to whom a fee is burnt, and from whom a reward is made."""

RESOURCES = {
    "BANDWIDTH": "bandwidth", "ENERGY": "energy", "TRON_POWER": "tron_power",
    0: "bandwidth", 1: "energy", 2: "tron_power",
}  # fmt: skip
"""Resources by the names and numbers of the chain; where none is named it is bandwidth."""


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment: ``token`` is null for TRX, else the number of a TRC-10 token."""

    kind: str
    sender: bytes
    receiver: bytes
    amount: int
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Stake:
    """A fact for the table of stakes."""

    kind: str
    amount: int | None
    moved: int | None = 0
    other: bytes | None = None
    resource: str | None = None


Fact = Paid | Stake


@dataclass(frozen=True, slots=True)
class Reading:
    """A transaction as the functions below read it."""

    told: Told
    chain: Chain
    where: str

    @property
    def owner(self) -> bytes:
        """Who sent it, and pays its fee."""
        return self.party("owner_address")

    def party(self, name: str) -> bytes:
        """Return a party that it names."""
        return address(self.told.value.get(name), self.chain, self.where)

    def much(self, name: str) -> int:
        """Return an amount that it names."""
        return amount(self.told.value, name, self.where)

    def resource(self) -> str:
        """Return the resource that it names."""
        named = self.told.value.get("resource", 0)
        found = RESOURCES.get(named) if isinstance(named, str | int) else None
        if found is None:
            raise SourceError(f"{named!r} is no resource", where=self.where, remedy=LIAR)
        return found

    def token(self, name: str) -> str:
        """Return the number of a TRC-10 token: nodes write its digits in hexadecimal."""
        text = str(self.told.value.get(name, ""))
        try:
            plain = bytes.fromhex(text).decode("ascii")
        except ValueError:
            plain = ""
        return plain if plain.isdigit() else text


def _transfer(it: Reading) -> Iterator[Fact]:
    yield Paid("native", it.owner, it.party("to_address"), it.much("amount"))


def _transfer_asset(it: Reading) -> Iterator[Fact]:
    to, much = it.party("to_address"), it.much("amount")
    yield Paid("trc10", it.owner, to, much, it.token("asset_name"))


def _participate(it: Reading) -> Iterator[Fact]:
    """What the tokens of the sale are is not said: they stand in no row."""
    yield Paid("native", it.owner, it.party("to_address"), it.much("amount"))


def _call(it: Reading) -> Iterator[Fact]:
    yield from _sent_along(it, it.party("contract_address"), it.told.value)


def _create(it: Reading) -> Iterator[Fact]:
    new = it.told.value.get("new_contract")
    value: dict[str, Any] = new if isinstance(new, dict) else {}
    if amount(value, "call_value", it.where) or it.much("call_token_value"):
        if it.told.created is None:
            yield Stake("other", None, None)
            return
        yield from _sent_along(it, it.told.created, {**value, **_tokens(it.told.value)})


def _tokens(value: Any) -> dict[str, Any]:
    return {name: value[name] for name in ("call_token_value", "token_id") if name in value}


def _sent_along(it: Reading, to: bytes, value: Any) -> Iterator[Fact]:
    if much := amount(value, "call_value", it.where):
        yield Paid("native", it.owner, to, much)
    if much := amount(value, "call_token_value", it.where):
        yield Paid("trc10", it.owner, to, much, str(value.get("token_id", "")))


def _freeze(it: Reading) -> Iterator[Fact]:
    much, resource = it.much("frozen_balance"), it.resource()
    yield Stake("stake", much, -much, resource=resource)
    if it.told.value.get("receiver_address"):
        yield Stake("lend", much, 0, it.party("receiver_address"), resource)


def _unfreeze(it: Reading) -> Iterator[Fact]:
    much, resource = it.told.unfrozen, it.resource()
    yield Stake("unstake", much, much, resource=resource)
    if it.told.value.get("receiver_address"):
        yield Stake("recall", much, 0, it.party("receiver_address"), resource)


def _freeze_2(it: Reading) -> Iterator[Fact]:
    much = it.much("frozen_balance")
    yield Stake("stake", much, -much, resource=it.resource())


def _unfreeze_2(it: Reading) -> Iterator[Fact]:
    """What waited long enough comes back in the same transaction, unasked: the implicit sweep."""
    yield Stake("unstake", it.much("unfreeze_balance"), 0, resource=it.resource())
    yield from _swept(it)


def _swept(it: Reading) -> Iterator[Fact]:
    if it.told.expired:
        yield Stake("sweep", it.told.expired, it.told.expired)


def _withdraw_expired(it: Reading) -> Iterator[Fact]:
    yield Stake("withdraw", it.told.expired, it.told.expired)


def _cancel(it: Reading) -> Iterator[Fact]:
    if it.told.cancelled is None:
        yield Stake("restake", None, 0)
    for named, much in sorted((it.told.cancelled or {}).items()):
        if much:
            yield Stake("restake", much, 0, resource=RESOURCES.get(named))
    yield from _swept(it)


def _withdraw_reward(it: Reading) -> Iterator[Fact]:
    if it.told.withdrawn is None:
        yield Stake("other", None, None)
    elif it.told.withdrawn:
        yield Paid("reward", ZERO, it.owner, it.told.withdrawn)


def _vote(it: Reading) -> Iterator[Fact]:
    votes = it.told.value.get("votes", [])
    if not isinstance(votes, list) or not all(isinstance(one, dict) for one in votes):
        raise SourceError("the votes are no list", where=it.where, remedy=LIAR)
    for one in votes:
        whom = address(one.get("vote_address"), it.chain, it.where)
        yield Stake("vote", amount(one, "vote_count", it.where), 0, whom)


def _lend(it: Reading) -> Iterator[Fact]:
    yield Stake("lend", it.much("balance"), 0, it.party("receiver_address"), it.resource())


def _recall(it: Reading) -> Iterator[Fact]:
    yield Stake("recall", it.much("balance"), 0, it.party("receiver_address"), it.resource())


def _activate(it: Reading) -> Iterator[Fact]:
    yield Stake("activate", None, 0, it.party("account_address"))


def _permissions(it: Reading) -> Iterator[Fact]:
    """Who may sign for the account from now on, alone or with others: a fact for each key."""
    actives = it.told.value.get("actives", [])
    if not isinstance(actives, list):
        raise SourceError("the permissions are no list", where=it.where, remedy=LIAR)
    for kind, one in (("owner", it.told.value.get("owner")), *(("active", x) for x in actives)):
        keys = one.get("keys", []) if isinstance(one, dict) else None
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise SourceError("a permission has no list of keys", where=it.where, remedy=LIAR)
        enough = amount(one, "threshold", it.where)
        for key in keys:
            weight = amount(key, "weight", it.where)
            whole = "key" if 0 < enough <= weight else "share"
            yield Stake(
                f"{kind}_{whole}", weight, 0, address(key.get("address"), it.chain, it.where)
            )


def _nothing(_: Reading) -> Iterator[Fact]:
    """It moves nothing but its fee."""
    return iter(())


def _unknown(_: Reading) -> Iterator[Fact]:
    yield Stake("other", None, None)


CONTRACTS: dict[str, Callable[[Reading], Iterator[Fact]]] = {
    "AccountCreateContract": _activate,
    "TransferContract": _transfer,
    "TransferAssetContract": _transfer_asset,
    "VoteAssetContract": _nothing,
    "VoteWitnessContract": _vote,
    "WitnessCreateContract": _nothing,
    "AssetIssueContract": _nothing,
    "WitnessUpdateContract": _nothing,
    "ParticipateAssetIssueContract": _participate,
    "AccountUpdateContract": _nothing,
    "FreezeBalanceContract": _freeze,
    "UnfreezeBalanceContract": _unfreeze,
    "WithdrawBalanceContract": _withdraw_reward,
    "UnfreezeAssetContract": _nothing,
    "UpdateAssetContract": _nothing,
    "ProposalCreateContract": _nothing,
    "ProposalApproveContract": _nothing,
    "ProposalDeleteContract": _nothing,
    "SetAccountIdContract": _nothing,
    "CreateSmartContract": _create,
    "TriggerSmartContract": _call,
    "UpdateSettingContract": _nothing,
    "UpdateEnergyLimitContract": _nothing,
    "AccountPermissionUpdateContract": _permissions,
    "ClearABIContract": _nothing,
    "UpdateBrokerageContract": _nothing,
    "FreezeBalanceV2Contract": _freeze_2,
    "UnfreezeBalanceV2Contract": _unfreeze_2,
    "WithdrawExpireUnfreezeContract": _withdraw_expired,
    "DelegateResourceContract": _lend,
    "UnDelegateResourceContract": _recall,
    "CancelAllUnfreezeV2Contract": _cancel,
}
"""Types whose effect on balances of TRX is known: all but the exchange, the market and shielded
payments, which few use."""


def facts_of(told: Told, chain: Chain, where: str) -> tuple[bytes, list[Fact]]:
    """Return who sent a transaction, and what it did.

    Raises
    ------
    SourceError
        If what it is told does not fit its type.
    """
    it = Reading(told, chain, where)
    return it.owner, list(CONTRACTS.get(told.kind, _unknown)(it))
