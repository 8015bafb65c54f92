"""INTERPOL's Darknet and Virtual Assets Taxonomy as it is, and what each id is among TagPack's.

Entities are those of scheme v0.3 (January 2022), abuses those of v0.1 (March 2020), by INTERPOL's
Darkweb and Virtual Assets Working Group. The ids and what stands beneath what are theirs. Which
TagPack concept is nearest, and how near, is said here once, and by us.
"""

from __future__ import annotations

from types import MappingProxyType

ENTITIES = """\
entity2
    actor
        administrator
        authorities
            regulator
        bank
        cryptocurrencies_user
        customer
        cyberterrorist
        moderator
        money_mule
        service-provider
        shop_owner
        vendor
        victim
        virtual_asset_service_provider
    asset
        bank_credentials
        counterfeit_product
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
        dark_web
            i2p_invisible_internet_protocol_network
            tor_network
            zeronet
        deep_web
        proxy
        relay_node
        wallet
            hardware_wallet
            hosted-wallet
            software_wallet
            unhosted-wallet
    process
        bip_bitcoin_improvement_proposals
        exit-scam
        fe_finalize_early
        flash-loan-attack
        multisig
        rug-pull
        takedown_notice
        yield-farming
    service
        bulletproof_hosting
        coin_swapping
        crypto_atm
        dark_market
        darknet_email_service
        darknet_forum
        darknet_wiki
        dead_drop
        defi
        dex
        escrow
        exchange
        ico
        irc
        paste_site_service
        shop
        tumbler
    technology
        I2P
        blockchain
        bridge
        coinjoin
        dht_distributed_hash_technology
        dot_onion
        flash-loan
        hidden_service
        hierarchically_deterministic_wallets
        layer-2
        metadata
        non-fungible-token
        peer_to_peer_exchange
        pgp_pretty_good_privacy
        pos_proof_of_stake
        pow_proof_of_work
        sidechain
        smart_contract
        utxo_unspent_transaction_output
drop-ship
"""
"""The entities, each beneath its broader one; ``drop-ship`` states none."""

ABUSES = ("phishing", "ponzi_scheme", "ransomware", "scam", "service_hack", "sextortion")

SHARED = frozenset(
    {*ABUSES, "coinjoin", "dark_web", "defi", "exchange", "service", "shop", "victim"}
)
"""Ids that stand in both taxonomies and mean the same."""

INTERPOL: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "actor": ("entity", "same"),
        "administrator": ("user", "narrower"),
        "authorities": ("organization", "narrower"),
        "bank": ("organization", "narrower"),
        "bridge": ("defi_bridge", "same"),
        "bulletproof_hosting": ("hosting", "narrower"),
        "coin_swapping": ("exchange", "narrower"),
        "counterfeit_product": ("counterfeit", "narrower"),
        "crypto_atm": ("atm", "same"),
        "cryptocurrencies_user": ("user", "narrower"),
        "customer": ("user", "narrower"),
        "cyberterrorist": ("perpetrator", "narrower"),
        "dark_market": ("market", "narrower"),
        "darknet_email_service": ("messaging_service", "narrower"),
        "darknet_forum": ("messaging_service", "narrower"),
        "darknet_wiki": ("index", "narrower"),
        "dex": ("defi_dex", "same"),
        "entity2": ("concept", "narrower"),
        "escrow": ("escrow_wallet", "same"),
        "exit-scam": ("scam", "narrower"),
        "flash-loan-attack": ("exploit", "narrower"),
        "hosted-wallet": ("wallet_service", "narrower"),
        "i2p_invisible_internet_protocol_network": ("dark_web", "narrower"),
        "ico": ("ico_wallet", "same"),
        "irc": ("messaging_service", "narrower"),
        "moderator": ("user", "narrower"),
        "money_mule": ("user", "narrower"),
        "non-fungible-token": ("collectible", "narrower"),
        "paste_site_service": ("filesharing", "narrower"),
        "regulator": ("organization", "narrower"),
        "rug-pull": ("scam", "narrower"),
        "service-provider": ("organization", "narrower"),
        "shop_owner": ("user", "narrower"),
        "tor_network": ("dark_web", "narrower"),
        "tumbler": ("mixing_service", "same"),
        "vendor": ("user", "narrower"),
        "virtual_asset_service_provider": ("service", "narrower"),
        "zeronet": ("dark_web", "narrower"),
    }
)
"""Ids of INTERPOL alone that have a counterpart: their nearest TagPack concept, and whether *same*
or *narrower*.

A market need not be dark and a user need not sell, so those are *narrower*: asking for ``market``
finds a ``dark_market``, not the reverse. Of two that are the *same*, either finds the other. All
others say nothing of whom an address belongs to (assets, infrastructure, processes, technology):
TagPack has nothing near, and they stand beneath INTERPOL's own root. So does
``peer_to_peer_exchange``, in which by its definition no exchange holds the money, and delivery by
``dead_drop`` and ``drop-ship``.
"""


def steps(tree: str) -> dict[str, str | None]:
    """Return every id of a tree of lines with the one above it; a root has none.

    Examples
    --------
    >>> steps("a\\n    b\\n        c\\n    d\\n")
    {'a': None, 'b': 'a', 'c': 'b', 'd': 'a'}
    """
    above: dict[str, str | None] = {}
    path: list[str] = []
    for line in tree.splitlines():
        name = line.strip()
        del path[(len(line) - len(name)) // 4 :]
        above[name] = path[-1] if path else None
        path.append(name)
    return above
