"""Strangers who look like one owner: desks and shops that many pay, buyers, drainers, bait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chainwatch.simulate.holders.people import Holder, Society
from chainwatch.simulate.services.custodians import Custodian
from chainwatch.simulate.services.world import UNIT

AIRDROP = 400 * UNIT
"""What everybody is given of the token that is given away."""

OUTSIDERS = 1_000
"""Strangers who are given it too."""

COLLECTS, SELLS = 45, 75
"""Of 100 people: who brings together what his wallets were given, and who sells it instead, wallet
by wallet; the others keep it."""


@dataclass
class CashOut:
    """A wallet of somebody's own that passes all it gets to one exchange, as it comes."""

    wallet: bytes
    at: Custodian
    payers: Sequence[bytes]


@dataclass
class LookAlikes:
    """Those who look like one owner with others, and are not."""

    society: Society
    adversarial: bool
    desks: list[Holder] = field(default_factory=list)
    cashing: list[CashOut] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Add desks, shops and people who cash out."""
        society, chain = self.society, self.society.chain
        for n in range(2):
            one = Holder(f"desk {n}", [society.services[n]], [chain.wallet(f"desk {n}", "desk")])
            self.desks.append(one)
        for n in range(8 if self.adversarial else 4):
            owner = f"cashes out {n}"
            wallet = chain.wallet(owner, "cashes out")
            chain.gas(society.pump, wallet)
            payers = [society.anybody().wallets[0] for _ in range(chain.between(1, 3))]
            self.cashing.append(CashOut(wallet, society.services[n % 3], payers))
        for n in range(3):
            owner = f"small shop {n}"
            wallet = chain.wallet(owner, "small shop")
            chain.gas(society.services[n].hot, wallet)
            payers = [society.anybody().wallets[0] for _ in range(chain.between(8, 15))]
            self.cashing.append(CashOut(wallet, society.services[n], payers))

    def trade(self) -> None:
        """Let somebody pay a desk, which pays him back elsewhere."""
        society, chain = self.society, self.society.chain
        one = society.anybody()
        amount = society.amount(one.wallets[0])
        desk = self.desks[chain.between(0, 1)]
        if amount:
            with chain.at("to a desk"):
                chain.pay(one.wallets[0], desk.deposit_address(), amount)

    def cash(self, one: CashOut) -> None:
        """Let a wallet be paid, and pass it on to its exchange as it came."""
        society, chain = self.society, self.society.chain
        payer = one.payers[chain.rng.randrange(len(one.payers))]
        amount = society.amount(payer)
        if amount:
            with chain.at("to who cashes out"):
                chain.pay(payer, one.wallet, amount)
                chain.now += chain.between(300, 20_000)
                chain.pay(one.wallet, one.at.hot, amount)

    def bait(self) -> None:
        """Let an attacker pay into somebody's account, so that he looks like its customer."""
        society, chain = self.society, self.society.chain
        attacker = chain.wallet("attacker", "attacker")
        chain.mint(attacker, 40_000 * UNIT)
        chain.gas(society.pump, attacker)
        for _ in range(6):
            victim = society.anybody()
            for _ in range(2):
                with chain.at("bait"):
                    chain.pay(attacker, victim.deposit_address(), chain.between(5, 2_000) * UNIT)
                chain.now += 8 * 3_600
                victim.accounts[0].sweep()

    def give_away(self) -> None:
        """Let one give the same to everybody; people and farms bring theirs together, or sell."""
        society, chain = self.society, self.society.chain
        giver = chain.wallet("giver", "airdrop")
        farms = [
            [chain.wallet(f"farm {n}", "airdrop farm") for _ in range(12)]
            for n in range(4 if self.adversarial else 2)
        ]
        people = [wallet for one in society.holders for wallet in one.wallets]
        others = [chain.address("outside", "outside", "", "outside") for _ in range(OUTSIDERS)]
        everybody = [*people, *(wallet for farm in farms for wallet in farm), *others]
        chain.drops[giver] = AIRDROP * len(everybody)
        with chain.at("airdrop"):
            for place, wallet in enumerate(everybody):
                chain.drop(giver, [wallet], AIRDROP)
                chain.now += 12 * (place % 2)
        for n, farm in enumerate(farms):
            self._collect(farm[1:], farm[0], in_parts=self.adversarial and n % 2 == 0)
        self._people()

    def _collect(self, wallets: Sequence[bytes], target: bytes, *, in_parts: bool = False) -> None:
        chain = self.society.chain
        with chain.at("collecting an airdrop"):
            for wallet in wallets:
                chain.now += chain.between(60, 3_600)
                parts = 2 if in_parts else 1
                for _ in range(parts):
                    chain.drop(wallet, [target], AIRDROP // parts)

    def _people(self) -> None:
        """Let people bring together what their wallets were given, or sell it to a buyer."""
        society, chain = self.society, self.society.chain
        buyers = [chain.wallet(f"buyer {n}", "buyer") for n in range(2)]
        for buyer in buyers:
            chain.mint(buyer, 400_000 * UNIT)
        for one in society.holders:
            drawn = chain.between(0, 99)
            if drawn < COLLECTS:
                self._collect(one.wallets[1:], one.wallets[0])
            elif drawn < SELLS:
                buyer = buyers[chain.between(0, 1)]
                for wallet in one.wallets:
                    with chain.at("selling an airdrop"):
                        chain.drop(wallet, [buyer], AIRDROP)
                        chain.now += chain.between(60, 3_600)
                        if not (self.adversarial and buyer is buyers[0]):  # he pays in cash
                            chain.pay(buyer, wallet, 90 * UNIT)

    def approve(self) -> None:
        """Let some allow wallets of their own to move their tokens, and drainers get leave."""
        society, chain = self.society, self.society.chain
        for one in society.holders:
            if len(one.wallets) > 1 and chain.chance(20):
                with chain.at("leave for oneself"):
                    chain.approve(one.wallets[1], one.wallets[0])
        for n in range(4 if self.adversarial else 2):
            drainer = chain.wallet(f"drainer {n}", "drainer")
            chain.gas(society.pump, drainer)
            chain.gas(drainer, society.pump)
            for _ in range(chain.between(3, 25)):
                with chain.at("phishing"):
                    chain.approve(society.anybody().wallets[0], drainer)

    def share_keys(self) -> None:
        """Let some give a wallet of theirs a second key, some share one, and robbers take keys."""
        society, chain = self.society, self.society.chain
        for one in society.holders:
            if len(one.wallets) > 1 and chain.chance(15):
                with chain.at("a second key of one's own"):
                    chain.permit(one.wallets[1], [one.wallets[1], one.wallets[0]])
            elif chain.chance(8):
                with chain.at("keys that sign together"):
                    other = society.anybody().wallets[0]
                    chain.permit(one.wallets[-1], [one.wallets[-1], other], alone=False)
        for n in range(4 if self.adversarial else 2):
            robber = chain.wallet(f"key robber {n}", "key robber")
            chain.gas(society.pump, robber)
            for _ in range(chain.between(1, 8)):
                victim = society.anybody().wallets[0]
                stays = [victim] if chain.chance(50) else []
                with chain.at("a key that was taken"):
                    chain.permit(victim, [*stays, robber])
