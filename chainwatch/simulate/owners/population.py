"""Who lives in a simulated world, and what each share of what happens is: assumptions, all of them.

No figure here was measured on a real chain. They are chosen so that every habit and every trap
occurs often enough to be counted; rates that are measured on such a world are conditional on it,
and say nothing of how often a thing happens anywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from chainwatch.errors import ArgumentError


@dataclass(frozen=True)
class Events:
    """How often each thing happens, by weight: a weight over their sum is its share.

    Weights are of things that are begun; one that nobody can pay for does not happen, and one may
    take several transactions. Attributes are named for what happens.
    """

    payment: int = 400
    shopping: int = 60
    donation: int = 25
    deposit: int = 110
    withdrawal: int = 220
    consolidation: int = 25
    move: int = 12
    key_sale: int = 6
    payroll: int = 8
    equal_payroll: int = 6
    migration: int = 5
    payjoin: int = 8
    joinmarket: int = 9
    wasabi1: int = 3
    wasabi11: int = 3
    wasabi2: int = 2
    tx0: int = 8
    whirlpool: int = 14
    stonewall: int = 6
    stonewall_x2: int = 4
    token_mint: int = 14
    token_sale: int = 22
    token_sweep: int = 7
    token_sale_all: int = 6
    fee_bump: int = 6
    crowdfunding: int = 3
    channel_open: int = 14
    dual_open: int = 3
    channel_close: int = 9
    channel_force_close: int = 6
    anchor_claim: int = 4
    dust: int = 2
    forced_reuse: int = 2
    peel: int = 3
    lookalike_split: int = 3
    same_key: int = 8
    escrow_open: int = 8
    escrow_release: int = 7
    fake_change: int = 0
    imitation: int = 0
    unequal_mix: int = 0
    hidden_spend: int = 0
    forged_key: int = 0


@dataclass(frozen=True)
class Population:
    """Who lives in a simulated world.

    Attributes
    ----------
    people : int
        Private owners; a wallet each, every third one two.
    merchants, charities, companies : int
        Shops with a fresh address for each sale, charities with one published address, employers.
    exchanges, pools : int
        Custodians with deposit addresses and a hot wallet; miners.
    traders : int
        Of 100 people, how many trade tokens.
    software : tuple of (str, int)
        Wallet software by name with its weight.
    round_amounts : int
        Of 100 payments, how many are round.
    reused_payee : int
        Of 100 payments, how many go to an address of the payee that was paid before.
    other_change : int
        Of 100 payments from wallets that hold several script types, how many make change of
        another type than is usual for them.
    events : Events
        What happens, by weight.

    Notes
    -----
    All defaults are assumptions of this simulator.
    """

    people: int = 260
    merchants: int = 14
    charities: int = 4
    companies: int = 6
    exchanges: int = 3
    pools: int = 3
    traders: int = 30
    software: tuple[tuple[str, int], ...] = (
        ("node", 14), ("node_taproot", 8), ("node_old", 3), ("desktop", 12),
        ("desktop_multisig", 3), ("mobile", 14), ("mobile_first", 6), ("legacy", 7), ("nested", 9),
        ("old_multisig", 2), ("hardware", 8), ("taproot", 7), ("taproot_script", 2),
        ("one_address", 2), ("one_old_address", 1), ("round_change", 2),
    )  # fmt: skip
    round_amounts: int = 30
    reused_payee: int = 6
    other_change: int = 25
    events: Events = Events()

    def __post_init__(self) -> None:
        """Refuse a world in which something that is used does not exist.

        Raises
        ------
        ArgumentError
            If a share or number is negative, too few people live there, or nothing happens.
        """
        weights = [getattr(self.events, each.name) for each in fields(self.events)]
        if min(weights) < 0 or not any(weights):
            raise ArgumentError("weights of events are negative or all nought")
        if self.people < 100 or min(
            self.merchants, self.charities, self.companies, self.exchanges, self.pools
        ) < 1:  # fmt: skip
            raise ArgumentError(
                "too few live in this world", remedy="100 people and one of each other kind"
            )

    def only(self, *names: str) -> Population:
        """Return the same people, to whom nothing happens but what is named, as often as before.

        Raises
        ------
        ArgumentError
            If nothing is named so, or what is named never happens.
        """
        known = [each.name for each in fields(Events)]
        if strange := sorted(set(names) - set(known)):
            raise ArgumentError(
                f"nothing that happens is called {strange[0]!r}",
                remedy=f"one of {', '.join(known)}",
            )
        rest = {name: 0 for name in known if name not in names}
        return replace(self, events=replace(self.events, **rest))

    def hostile(self) -> Population:
        """Return the same people among whom many try to mislead.

        PayJoin is twelve times as frequent, mixes twice, and what only misleads begins to happen.
        """
        was = self.events
        return replace(self, events=replace(
            was, payjoin=12 * max(was.payjoin, 1), stonewall_x2=4 * was.stonewall_x2,
            joinmarket=2 * was.joinmarket, wasabi1=2 * was.wasabi1, wasabi2=2 * was.wasabi2,
            token_sale_all=4 * was.token_sale_all, dust=3 * was.dust,
            forced_reuse=6 * max(was.forced_reuse, 1), peel=3 * was.peel,
            lookalike_split=4 * was.lookalike_split, key_sale=3 * was.key_sale,
            fake_change=40, imitation=60, unequal_mix=15, hidden_spend=20,
            forged_key=8,
        ))  # fmt: skip
