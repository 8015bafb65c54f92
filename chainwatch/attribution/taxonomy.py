"""What a tag can say of an address: one tree of concepts, and the levels of confidence.

The tree is that of the TagPack concepts (``concepts.yaml`` 0.1.0 of the GraphSense TagPack tool and
the ids its packs use since), which itself derives from the taxonomy of INTERPOL's Darknet and
Cryptocurrencies Working Group. Every id of INTERPOL's *Darknet and Virtual Assets Taxonomy* that
TagPack lacks stands beneath its nearest concept (:mod:`chainwatch.attribution.interpol`), and
beneath these stand the few that both lack, in ``OURS``. The placing is ours.
"""

from __future__ import annotations

import difflib
from functools import cache
from types import MappingProxyType

from chainwatch.attribution.interpol import ABUSES, ENTITIES, SHARED, steps
from chainwatch.attribution.interpol import INTERPOL as INTERPOL
from chainwatch.errors import TagError

TREE = """\
concept
    unknown
    entity
        actor
        organization
            service-provider
            authorities
            regulator
            bank
        user
            cryptocurrencies_user
            victim
            perpetrator
                cyberterrorist
            donation
                fundraising_campaign
            miner
            vendor
                arms_supplier
                precursor_supplier
            customer
            money_mule
            administrator
            moderator
            shop_owner
        service
            virtual_asset_service_provider
            money_exchange
            support_service
            exchange
                coin_swapping
            wallet_service
                hosted-wallet
                escrow_wallet
                    escrow
                ico_wallet
                    ico
            filesharing
                paste_site_service
            index
                darknet_wiki
            market
                guarantee_platform
                dark_market
            messaging_service
                irc
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
                    bridge
                defi_dao
                defi_staking
                defi_custody
    behaviour
        abuse
            organ_trafficking
            sexual_abuse
                child_sexual_abuse
            violence
                murder
                torture
            human_trafficking
            scam
                exit-scam
                rug-pull
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
                    flash-loan-attack
                data_breach
                social_engineering
                malware
            drugs
            weapons
            sanction
            counterfeit
                counterfeit_medicine
                counterfeit_product
            extremism
                terrorism
                terrorism_financing
            black_list
                gov_black_list
                    seizure_order
                    forfeiture
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
            i2p_invisible_internet_protocol_network
            tor_network
            zeronet
    item
        collectible
            non-fungible-token
    entity2
        asset
            bank_credentials
            credentials
            crypto_assets
            cryptocurrency
                ADA
                BCH
                BNB
                BTC
                DOGE
                DOT
                ETH
                LTC
                USDT
                XMR
                XRP
                ZEC
            fiat_currencies
            privacy_coin
            virtual_asset_
        infrastructure
            dapp_\u2013_decentralized_apps
            deep_web
            proxy
            relay_node
            wallet
                hardware_wallet
                software_wallet
                unhosted-wallet
        process
            bip_bitcoin_improvement_proposals
            dead_drop
            drop-ship
            fe_finalize_early
            multisig
            takedown_notice
            yield-farming
        technology
            I2P
            blockchain
            dht_distributed_hash_technology
            dot_onion
            flash-loan
            hidden_service
            hierarchically_deterministic_wallets
            layer-2
            metadata
            peer_to_peer_exchange
            pgp_pretty_good_privacy
            pos_proof_of_stake
            pow_proof_of_work
            sidechain
            smart_contract
            utxo_unspent_transaction_output
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

OURS: MappingProxyType[str, str] = MappingProxyType(
    {
        "precursor_supplier": "sells the chemicals that drugs are made of, or the machines for it",
        "arms_supplier": "procures or sells weapons, ammunition or parts of them",
        "organ_trafficking": "trade in human organs, or in people for their organs",
        "counterfeit_medicine": "falsified medicines: what is in them is not what they say",
        "fundraising_campaign": "a call for donations with an aim of its own, lawful or not",
        "guarantee_platform": "holds the deposits of merchants and payments in escrow, mostly in"
        " chats of a messenger, and vouches for them",
        "money_exchange": "changes or remits cash and coins over a counter: an exchange house, a"
        " broker, a hawaladar",
        "support_service": "sells to others of an unlawful trade what they need for it: laundering,"
        " accounts, papers, packing, advertising",
        "seizure_order": "an authority ordered that the funds be seized",
        "forfeiture": "an authority or a court ordered that the funds be forfeited",
    }
)
"""Concepts that both taxonomies lack, and what each says of an address."""

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
    return MappingProxyType(steps(TREE))


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
    """Return the nearest id of the TagPack tree, for tools that know only that one.

    Examples
    --------
    >>> tagpack_id("precursor_supplier"), tagpack_id("exchange"), tagpack_id("multisig")
    ('user', 'exchange', 'concept')
    """
    return next(one for one in (known(concept), *ancestors(concept)) if of_tagpack(one))


def of_tagpack(concept: str) -> bool:
    """Tell whether TagPack's own tree has a concept."""
    return concept in SHARED or not (concept in OURS or concept in interpol_ids())


@cache
def interpol_ids() -> frozenset[str]:
    """Return the 99 entities and 6 abuses of INTERPOL's taxonomy."""
    return frozenset({*steps(ENTITIES), *ABUSES})


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
