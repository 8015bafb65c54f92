"""Wallets of several keys on a chain of coins: their scripts, what they spend, how keys change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from chainwatch.addresses.bip32 import hash160
from chainwatch.addresses.scripts import script_of
from chainwatch.simulate.locks import P2SH, P2WSH, KeyLock
from chainwatch.simulate.owners.world import World
from chainwatch.simulate.transactions import (
    ALL,
    Coin,
    Lock,
    Output,
    Transaction,
    Unlocked,
    public_key,
    push,
)
from chainwatch.simulate.wallets import Policy, Wallet, choose, draft

FORMS = ("p2wsh", "p2wsh", "p2sh_multisig")
"""What scripts of several keys stand behind: two of three behind segregated witness."""


@dataclass(frozen=True)
class SetLock(KeyLock):
    """A lock that so many of its keys open together."""

    required: int = 1

    def unlock(self, coin: Coin, flag: int = ALL) -> Unlocked:
        """Return the input script and the witness stack that spend a coin under this lock."""
        signed = [self.sign(coin, flag, place) for place in range(self.required)]
        if self.kind == "p2wsh":
            return b"", (b"", *signed, self.redeem)
        return b"\x00" + b"".join(map(push, signed)) + push(self.redeem), ()


def set_lock(form: str, required: int, keys: Sequence[bytes]) -> SetLock:
    """Return the lock of a script that asks for so many of some keys."""
    script = bytes([0x50 + required]) + b"".join(map(push, keys))
    script += bytes([0x50 + len(keys), 0xAE])
    address = P2WSH + sha256(script).digest() if form == "p2wsh" else P2SH + hash160(script)
    return SetLock(form, script_of(address), address, tuple(keys), script, required=required)


@dataclass(eq=False)
class Group:
    """A wallet of several keys: who holds it, its keys of today, and how many must sign.

    ``fresh`` draws all keys anew for each address, as most wallets do; its keys are its own.
    """

    wallet: Wallet
    form: str
    required: int
    keys: list[bytes]
    fresh: bool = False


@dataclass
class Groups:
    """All wallets of several keys of a world, and what they can do."""

    world: World
    count: int = 0

    def key(self, *of: object) -> bytes:
        """Return a new key of somebody."""
        self.count += 1
        return public_key(self.world.label, "signer", *of, self.count)

    def open(
        self, owner: str, role: str, required: int, keys: Sequence[bytes], *, fresh: bool = False
    ) -> Group:
        """Return a new wallet of an owner, under a script of some keys."""
        form = FORMS[self.world.rng.randrange(len(FORMS))]
        name = f"{owner} {role} {self.count}"
        group = Group(Wallet(owner, name, role, Policy(kind=form, reuse=True)), form, required,
                      list(keys), fresh)  # fmt: skip
        self.place(group)
        return group

    def place(self, group: Group) -> Lock:
        """Return where a wallet is paid from now on: the script of its keys of today."""
        if group.fresh:
            group.keys = [self.key(group.wallet.name) for _ in group.keys]
        lock = set_lock(group.form, group.required, group.keys)
        group.wallet.home = self.world.hold(lock, group.wallet)
        return lock

    def home(self, group: Group) -> Lock:
        """Return where a wallet is paid: its one address, or a fresh one."""
        if group.fresh or group.wallet.home is None:
            return self.place(group)
        return group.wallet.home

    def pay(self, group: Group, to: Lock, amount: int, kind: str) -> Transaction | None:
        """Let a wallet pay; what is left goes to its script of today. None where it cannot."""
        world, wallet = self.world, group.wallet
        target = Output(amount, to, kind)
        if not world.affordable(wallet, [target]):
            return None
        policy, rest = world.habits(wallet), self.home(group)
        coins = choose(policy, world.spendable(wallet), amount, [to, rest], world.rng)
        made = draft(policy, coins, [target], rest, world.rng, world.lock_time(wallet))
        return world.submit(made, kind)

    def change_keys(
        self, group: Group, keys: Sequence[bytes], required: int, *, to: Group | None = None
    ) -> None:
        """Give a wallet other keys; now and then all it holds moves at once, else as it pays.

        With ``to`` the new script is another's, who took the wallet over.
        """
        old = list(group.wallet.coins)
        after = to or group
        after.keys, after.required = list(keys), required
        lock = self.place(after)
        if old and (to is not None or self.world.chance(50)):
            self.world.gather(group.wallet, old, lock, "key change")
