"""What a tag can say of an address: one tree of concepts, and the levels of confidence.

The tree is that of the TagPack concepts (``concepts.yaml`` 0.1.0 of the GraphSense TagPack tool and
the ids its packs use since), which itself derives from the taxonomy of INTERPOL's Darknet and
Cryptocurrencies Working Group. A few ids of INTERPOL's *Darknet and Virtual Assets Taxonomy*
(entities v0.3) which TagPack lacks and investigators need stand beneath their nearest TagPack
concept; ``INTERPOL`` lists them with that concept and how near it is. The placing is ours.
"""

from __future__ import annotations

import difflib
from functools import cache
from types import MappingProxyType

from chainwatch.errors import TagError

TREE = """\
concept
    unknown
    entity
        organization
            authorities
            regulator
            bank
        user
            victim
            perpetrator
            donation
            miner
            vendor
            customer
            money_mule
            administrator
            moderator
            shop_owner
        service
            exchange
                coin_swapping
            wallet_service
                escrow_wallet
                    escrow
                ico_wallet
                    ico
            filesharing
            index
                darknet_wiki
            market
                dark_market
            messaging_service
                darknet_forum
                darknet_email_service
            mixing_service
                tumbler
            mining_service
            gambling
            search_engine
            shop
            faucet
            payment_processor
            atm
                crypto_atm
            hosting
                bulletproof_hosting
            vpn
            nameservice
            defi
                defi_token
                defi_lending
                defi_dex
                    dex
                    defi_dex_pair
                defi_derivative
                defi_bridge
                defi_dao
                defi_staking
                defi_custody
    behaviour
        abuse
            sexual_abuse
                child_sexual_abuse
            violence
                murder
                torture
            human_trafficking
            scam
            financial_crime
                investment_fraud
                    ponzi_scheme
                        pyramid_scheme
                money_laundering
                payment_card_fraud
            extortion
                sextortion
                ransomware
            phishing
            hacking
                service_hack
                account_hack
                exploit
                data_breach
                social_engineering
                malware
            drugs
            weapons
            sanction
            counterfeit
                counterfeit_product
            extremism
                terrorism
                terrorism_financing
            black_list
                gov_black_list
        gray_usage
            mixing
                coinjoin
        white_usage
            cold_wallet
            hot_wallet
            warm_wallet
            deposit_wallet
            white_list
                gov_white_list
        deployer
        funder
    source
        mention
            website_mention
                forum_mention
        dark_web
    item
        collectible
"""
"""The tree, one id a line, each beneath its broader concept."""

MIXING, BRIDGING = ("mixing_service", "mixing"), ("defi_bridge",)
HOLDING = (
    "service",
    "bank",
    "hot_wallet",
    "warm_wallet",
    "cold_wallet",
    "deposit_wallet",
)
ENDING = (*MIXING, *BRIDGING, *HOLDING)
"""Concepts of those who hold or mix the money of many, so that following ends with them: the
narrower ones count too. Banks are no ``service`` of the tree; wallets of these kinds are what
services call their own."""

INTERPOL: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "administrator": ("user", "narrower"),
        "authorities": ("organization", "narrower"),
        "bank": ("organization", "narrower"),
        "bulletproof_hosting": ("hosting", "narrower"),
        "coin_swapping": ("exchange", "narrower"),
        "counterfeit_product": ("counterfeit", "narrower"),
        "crypto_atm": ("atm", "same"),
        "customer": ("user", "narrower"),
        "dark_market": ("market", "narrower"),
        "darknet_email_service": ("messaging_service", "narrower"),
        "darknet_forum": ("messaging_service", "narrower"),
        "darknet_wiki": ("index", "narrower"),
        "dex": ("defi_dex", "same"),
        "escrow": ("escrow_wallet", "same"),
        "ico": ("ico_wallet", "same"),
        "moderator": ("user", "narrower"),
        "money_mule": ("user", "narrower"),
        "regulator": ("organization", "narrower"),
        "shop_owner": ("user", "narrower"),
        "tumbler": ("mixing_service", "same"),
        "vendor": ("user", "narrower"),
    }
)
"""Ids from INTERPOL's taxonomy: their nearest TagPack concept, and whether *same* or *narrower*.

A market need not be dark and a user need not sell, so those are *narrower*: asking for ``market``
finds a ``dark_market``, not the reverse. Of two that are the *same*, either finds the other.
"""

LEVELS: MappingProxyType[str, int] = MappingProxyType(
    {
        "override": 100,
        "ownership": 100,
        "ledger_immanent": 100,
        "manual_transaction": 90,
        "service_api": 70,
        "forensic_investigation": 70,
        "authority_data": 60,
        "trusted_provider": 50,
        "service_data": 50,
        "forensic": 50,
        "untrusted_transaction": 40,
        "web_crawl": 20,
        "heuristic": 10,
        "unknown": 5,
    }
)
"""TagPack's levels of confidence as numbers from 0 to 100: a ranking of sources, no probability."""


@cache
def broader() -> MappingProxyType[str, str | None]:
    """Return every concept id with the one above it; the root has none."""
    above: dict[str, str | None] = {}
    path: list[str] = []
    for line in TREE.splitlines():
        name = line.strip()
        del path[(len(line) - len(name)) // 4 :]
        above[name] = path[-1] if path else None
        path.append(name)
    return MappingProxyType(above)


def known(concept: str, *, where: str | None = None) -> str:
    """Return the concept id if the taxonomy has it.

    Parameters
    ----------
    concept : str
        A concept id.
    where : str, optional
        The place it was read at, for the sentence of the error.

    Raises
    ------
    TagError
        If the id is in no place of the tree; the sentence lists ids that look like it.
    """
    if concept in broader():
        return concept
    near = difflib.get_close_matches(concept[:64], broader(), n=4, cutoff=0.6)
    advice = f"did you mean {', '.join(near)}?" if near else "see chainwatch.attribution.taxonomy"
    raise TagError(f"no concept {concept[:64]!r} in the taxonomy", where=where, remedy=advice)


def ancestors(concept: str) -> tuple[str, ...]:
    """Return the broader concepts of a concept, the nearest first.

    Examples
    --------
    >>> ancestors("exchange")
    ('service', 'entity', 'concept')
    """
    found = []
    above = broader()[known(concept)]
    while above is not None:
        found.append(above)
        above = broader()[above]
    return tuple(found)


@cache
def descendants(concept: str) -> frozenset[str]:
    """Return the narrower concepts of a concept, and those of an id that means the same.

    The concept itself is no part of it.
    """
    same = {tagpack_id(concept)} if _same_as_tagpack(concept) else {concept}
    below = {name for name in broader() if same & set(ancestors(name))}
    return frozenset((below | same) - {concept})


def is_a(concept: str, other: str) -> bool:
    """Tell whether a concept is the other one or a narrower one.

    Examples
    --------
    >>> is_a("dark_market", "service"), is_a("market", "dark_market"), is_a("dex", "defi_dex")
    (True, False, True)
    """
    return known(concept) == known(other) or concept in descendants(other)


def tagpack_id(concept: str) -> str:
    """Return the nearest id of the TagPack tree, for tools that know only that one."""
    return INTERPOL.get(known(concept), (concept, ""))[0]


def _same_as_tagpack(concept: str) -> bool:
    return INTERPOL.get(known(concept), ("", ""))[1] == "same"


def level(confidence: str, *, where: str | None = None) -> int:
    """Return a confidence level as a number.

    Raises
    ------
    TagError
        If TagPack knows no such level.
    """
    if confidence not in LEVELS:
        raise TagError(
            f"no confidence level {confidence[:64]!r}",
            where=where,
            remedy=f"write one of {', '.join(LEVELS)}",
        )
    return LEVELS[confidence]
