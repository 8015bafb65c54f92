"""What counts in a ranking, and how much: every weight has a name, a source, and can be edited.

Danger to the public is no fact that anybody measured in one number. The order of these weights is a
choice of this project; the source beside each is the instrument that makes the act a concern of the
public at all. Whoever has an order of his own writes it in, and it stands in the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import parse
from chainwatch.attribution.contact import SUBSTANCES, known_substance
from chainwatch.attribution.taxonomy import broader, known
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import InputError

FULL = 1000
"""Weights and parts are per mille."""


class Danger(NamedTuple):
    """How dangerous a concept is to the public, per mille, and why it is one at all.

    ``payers`` tells whether who pays somebody of the concept is looked at for that: it is so where
    paying is itself the harm or feeds it (terror, abuse, arms, precursors), and never where it may
    be somebody who buys for himself, or a victim: who pays traffickers in people or organs, or
    violent men, may be paying for his own or a relative's life.
    """

    weight: int
    payers: bool
    source: str


_ABUSE = "Council of Europe, Lanzarote Convention (2007)"
_TERROR = "UN, Convention for the Suppression of the Financing of Terrorism (1999)"
_DRUGS = "UN, Convention against Illicit Traffic in Narcotic Drugs (1988), article 3"
_CRIME = "UN, Convention against Transnational Organized Crime (2000)"

DANGERS: Mapping[str, Danger] = MappingProxyType(
    {
        "child_sexual_abuse": Danger(1000, True, _ABUSE),
        "human_trafficking": Danger(1000, False, "UN, Trafficking in Persons Protocol (2000)"),
        "organ_trafficking": Danger(
            1000, False, "Council of Europe, Convention against Trafficking in Human Organs (2015)"
        ),
        "terrorism": Danger(1000, True, _TERROR),
        "terrorism_financing": Danger(1000, True, _TERROR),
        "sexual_abuse": Danger(1000, True, _ABUSE),
        "violence": Danger(1000, False, "UN, Convention against Torture (1984)"),
        "weapons": Danger(900, True, "UN, Firearms Protocol (2001)"),
        "arms_supplier": Danger(900, True, "UN, Firearms Protocol (2001)"),
        "precursor_supplier": Danger(
            800, True, "UN, Convention against Illicit Traffic in Narcotic Drugs (1988), article 12"
        ),
        "counterfeit_medicine": Danger(
            800, False, "Council of Europe, Medicrime Convention (2011)"
        ),
        "guarantee_platform": Danger(700, False, _CRIME),
        "extremism": Danger(700, True, _TERROR),
        "extortion": Danger(600, False, _CRIME),
        "dark_market": Danger(600, False, _DRUGS),
        "gov_black_list": Danger(600, False, "the authority whose act it is"),
        "sanction": Danger(600, False, "the authority whose act it is"),
        "money_laundering": Danger(500, False, _CRIME),
        "drugs": Danger(400, False, _DRUGS),
        "vendor": Danger(400, False, _DRUGS),
        "hacking": Danger(300, False, "Council of Europe, Convention on Cybercrime (2001)"),
        "scam": Danger(300, False, _CRIME),
        "investment_fraud": Danger(300, False, _CRIME),
        "counterfeit_product": Danger(200, False, _CRIME),
    }
)
"""Of each concept, and of all narrower ones that have no weight of their own."""

_WARNING = "UNODC Early Warning Advisory; EUDA, EU Early Warning System"

DEADLY: Mapping[str, Danger] = MappingProxyType(
    {
        "synthetic_opioids": Danger(900, False, _WARNING),
        "benzodiazepines": Danger(600, False, _WARNING),
        "synthetic_cannabinoids": Danger(600, False, _WARNING),
        "synthetic_cathinones": Danger(500, False, _WARNING),
    }
)
"""What is sold counts beside what the seller is called: classes of substances, and narrower."""

FREEZABLE = (
    ("eth", "0xdAC17F958D2ee523a2206206994597C13D831ec7"),
    ("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ("eth", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"),
)
"""Tokens whose issuers have frozen balances at the request of authorities: USDT and USDC."""


def can_freeze(asset: Asset) -> bool:
    """Tell whether the issuer of an asset is known to freeze it; of a coin there is none."""
    return asset.contract is not None and any(
        chain_of(chain).id == asset.chain and parse(contract, chain) == asset.contract
        for chain, contract in FREEZABLE
    )


PARTS: Mapping[str, int] = MappingProxyType(
    {"danger": 5, "evidence": 3, "value": 1, "recency": 1, "reachable": 1}
)
"""How often each part counts in a score."""

RELATIONS: Mapping[str, int] = MappingProxyType({"named": 1000, "paid by": 600, "pays": 600})
"""How much of a danger counts, per mille: of whom tags name it, and of who deals with him."""


@dataclass(frozen=True)
class Weights:
    """All that decides an order, editable by :meth:`with_dangers` or ``dataclasses.replace``.

    Attributes
    ----------
    dangers : mapping of str to Danger
        By concept; narrower concepts inherit.
    substances : mapping of str to Danger
        By class of substances; narrower classes inherit.
    relations : mapping of str to int
        Per mille, by how somebody is tied to the danger.
    parts : mapping of str to int
        How often each part counts.
    fading : int
        Days after which a payment counts for nothing in *recency*.
    within : int
        Days before the day of the ranking in which a payment to a service counts as reachable:
        services keep what they were paid for a while, and records for longer.
    alert, open_alert : int
        How strong the evidence of an alert is that fits, and of one that is open, per mille: a
        shape of payments is a reason to look and no proof.
    alert_danger : int
        Danger of a shape of payments, per mille.
    """

    dangers: Mapping[str, Danger] = field(default_factory=lambda: DANGERS)
    substances: Mapping[str, Danger] = field(default_factory=lambda: DEADLY)
    relations: Mapping[str, int] = field(default_factory=lambda: RELATIONS)
    parts: Mapping[str, int] = field(default_factory=lambda: PARTS)
    fading: int = 730
    within: int = 90
    alert: int = 300
    open_alert: int = 100
    alert_danger: int = 200

    def __post_init__(self) -> None:
        """Refuse weights that say nothing, or of which nobody knows whose they are."""
        for concept in self.dangers:
            known(concept)
        for substance in self.substances:
            known_substance(substance)
        named = {**self.dangers, **self.substances}
        for name, one in named.items():
            if type(one.weight) is not int or not 0 <= one.weight <= FULL or not one.source.strip():
                raise InputError(
                    f"the danger of {name} is not from 0 to {FULL}, or has no source",
                    remedy="write Danger(400, False, 'whose judgement it is')",
                )
        for what, given, wanted, most in (
            ("parts", self.parts, PARTS, FULL), ("relations", self.relations, RELATIONS, FULL),
        ):  # fmt: skip
            fits = set(given) == set(wanted) and all(
                type(one) is int and 0 <= one <= most for one in given.values()
            )
            if not fits or not any(given.values()):
                raise InputError(
                    f"{what} are not {', '.join(wanted)}, each a whole number from 0 to {most}",
                    remedy=f"change one of them: {{**cw.Weights().{what}, 'name': 2}}",
                )
        if self.fading < 1 or self.within < 1:
            raise InputError(
                "a span of no days", remedy="write fading and within as days, 1 or more"
            )

    def with_dangers(self, **dangers: Danger) -> Weights:
        """Return weights with some dangers changed, by concept."""
        return replace(self, dangers={**self.dangers, **dangers})

    def danger(self, concept: str | None) -> tuple[str, Danger] | None:
        """Return the danger of a concept and the concept that it is of, or None for no danger."""
        above = broader()
        at = concept
        while at is not None:
            if at in self.dangers:
                return at, self.dangers[at]
            at = above.get(at)
        return None

    def of_substance(self, substance: str) -> tuple[str, Danger] | None:
        """Return the danger of a class of substances, or of the broader one."""
        at: str | None = substance
        while at is not None:
            if at in self.substances:
                return at, self.substances[at]
            at = SUBSTANCES[at].broader
        return None
