"""Owners with several wallets, and what they do: earn, deposit, pay rent, pay each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chainwatch.simulate.holders.world import HolderChain
from chainwatch.simulate.services.custodians import Custodian
from chainwatch.simulate.services.world import UNIT

OWN_GAS, HOT_GAS, FRIEND_GAS = 45, 75, 85
"""Of 100 wallets beyond the first: gas of the holder's own, or else of his exchange, or of a
friend; the rest buy it from a seller of gas."""

SMART, TO_ACCOUNT, TENANT, COUPLE = 15, 20, 15, 5
"""Of 100 people: who has a smart account, is paid straight to his account, pays rent to another's
account, and pays into the account of somebody whom he lives with."""


@dataclass
class Holder:
    """Somebody with wallets of his own and accounts at services."""

    name: str
    accounts: Sequence[Custodian]
    wallets: list[bytes] = field(default_factory=list)
    smart: bytes | None = None
    landlord: Holder | None = None
    partner: Holder | None = None
    paid_to: bytes | None = None

    def deposit_address(self, at: int = 0) -> bytes:
        """Return where he deposits at one of his services."""
        return self.accounts[at % len(self.accounts)].deposit_address(self.name)


@dataclass
class Society:
    """Everybody who is no service, and those whom everybody deals with."""

    chain: HolderChain
    services: list[Custodian]
    holders: list[Holder] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open a shop for gas, an employer, and a bundler."""
        wallet = self.chain.wallet
        self.pump = wallet("pump", "gas seller")
        self.bundler = wallet("bundler", "bundler")
        self.chain.gas(self.pump, self.bundler)
        self.employers = [wallet(f"employer {n}", "employer") for n in range(3)]
        for one in self.employers:
            self.chain.mint(one, 4_000_000 * UNIT)
        self.disperse = self.chain.make("batch sender")

    def anybody(self) -> Holder:
        """Return one of the people."""
        return self.holders[self.chain.rng.randrange(len(self.holders))]

    def join(self, count: int) -> None:
        """Add people, each with one to four wallets and an account or two."""
        chain = self.chain
        for _ in range(count):
            name = f"holder {len(self.holders)}"
            first, second = (self.services[chain.rng.randrange(3)] for _ in range(2))
            both = [first] if first is second or chain.chance(60) else [first, second]
            one = Holder(name, both)
            self.holders.append(one)
            for _ in range(chain.between(1, 4)):
                self.open_wallet(one)
            if chain.network == "eth" and chain.chance(SMART):
                one.smart = chain.open_smart(name, self.bundler)
                chain.mint(one.smart, chain.between(2_000, 9_000) * UNIT)
            if chain.chance(TO_ACCOUNT):
                one.paid_to = one.deposit_address()
        for one in self.holders:
            if chain.chance(TENANT):
                one.landlord = self.anybody()
            if chain.chance(COUPLE):
                one.partner = self.anybody()

    def open_wallet(self, one: Holder) -> None:
        """Give somebody one more wallet, with gas and something to spend."""
        chain = self.chain
        chain.now += chain.between(60, 600)
        wallet = chain.wallet(one.name, "person")
        chain.mint(wallet, chain.between(2_000, 9_000) * UNIT)
        with chain.at("first gas"):
            source = self._gas_source(one)
            if chain.network == "tron" and chain.chance(50):
                chain.activate(source, wallet)
            else:
                chain.gas(source, wallet)
        one.wallets.append(wallet)

    def _gas_source(self, one: Holder) -> bytes:
        drawn = self.chain.between(0, 99)
        if drawn < OWN_GAS and one.wallets:
            return one.wallets[0]
        if drawn < HOT_GAS:
            return one.accounts[0].hot
        friend = self.anybody()
        return friend.wallets[0] if drawn < FRIEND_GAS and friend.wallets else self.pump

    def amount(self, wallet: bytes) -> int:
        """Return something that a wallet can pay; 0 where it has too little."""
        held = self.chain.held(wallet)
        return min(self.chain.between(40, 900) * UNIT, held) if held >= 60 * UNIT else 0

    def spend(self) -> None:
        """Let somebody do something."""
        chain, one = self.chain, self.anybody()
        wallet = one.wallets[chain.rng.randrange(len(one.wallets))]
        if one.smart is not None and chain.chance(30):
            wallet = one.smart
        amount, drawn = self.amount(wallet), chain.between(0, 99)
        if amount == 0 or drawn < 20:
            with chain.at("withdrawal"):
                one.accounts[0].withdraw(wallet, chain.between(100, 1_500) * UNIT)
        elif drawn < 62:
            with chain.at("own deposit"):
                chain.pay(wallet, one.deposit_address(chain.between(0, 1)), amount)
        else:
            self.pay_another(one, wallet, amount, drawn)

    def pay_another(self, one: Holder, wallet: bytes, amount: int, drawn: int) -> None:
        """Let somebody pay another: his account, his partner's, an invoice, or a wallet."""
        chain, other = self.chain, self.anybody()
        if drawn < 68 and one.partner is not None and one.partner is not one:
            with chain.at("to a partner's account"):
                chain.pay(wallet, one.partner.deposit_address(), amount)
        elif drawn < 74 and other is not one:
            with chain.at("to another's account"):
                chain.pay(wallet, other.deposit_address(), amount)
        elif drawn < 84:
            with chain.at("invoice"):
                shop = f"shop {chain.between(0, 5)}"
                chain.pay(wallet, self.services[3].deposit_address(shop), amount)
        elif other is not one:
            with chain.at("to a friend"):
                to = other.wallets[chain.rng.randrange(len(other.wallets))]
                chain.pay(wallet, to, amount)

    def month(self) -> None:
        """Let wages be paid, by one call of a contract, and rent be paid out of them."""
        chain = self.chain
        for number, employer in enumerate(self.employers):
            staff = self.holders[number :: 3 * len(self.employers)]
            wages = [
                (one.paid_to or one.wallets[0], chain.between(900, 2_500) * UNIT) for one in staff
            ]
            with chain.at("wages"):
                if number == 0:
                    chain.through(self.disperse, employer, wages)
                else:
                    for to, much in wages:
                        chain.pay(employer, to, much)
        for one in self.holders:
            rent = min(600 * UNIT, chain.held(one.wallets[0]))
            if one.landlord is not None and one.landlord is not one and rent:
                with chain.at("rent"):
                    chain.pay(one.wallets[0], one.landlord.deposit_address(), rent)
