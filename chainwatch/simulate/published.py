"""The few public tags of the case, as TagPacks: adverts, hot wallets, the campaign's page.

An investigator starts from these and must find the rest. Sources stand under ``.invalid``, which
no name server answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainwatch.addresses.canonical import text
from chainwatch.chains.bitcoin import BITCOIN_REGTEST
from chainwatch.errors import ConservationError
from chainwatch.simulate.crimes import LANTERN, OTTER, Crimes
from chainwatch.simulate.economy import Exchange
from chainwatch.simulate.transactions import Lock


def packs(crimes: Crimes) -> dict[str, str]:
    """Return TagPack YAML by file name."""
    economy = crimes.economy
    return {
        "campaign.yaml": _campaign(crimes.campaign.published),
        "exchanges.yaml": _exchanges((economy.harbour, economy.northbank)),
        "market.yaml": _market(crimes.adverts),
    }


def _header(title: str, source: str, confidence: str, day: str) -> str:
    return (
        f"title: {title}\n"
        "creator: simulated case Otter\n"
        "description: Simulated; no address here belongs to anybody.\n"
        f"source: {source}\n"
        "currency: BTC\n"
        f"network: {BITCOIN_REGTEST.alias}\n"
        f"confidence: {confidence}\n"
        f"lastmod: {day}\n"
    )


def _tag(lock: Lock, label: str, actor: str) -> str:
    if lock.address is None:
        raise ConservationError(f"{label} has no address that could be published")
    shown = text(lock.address, BITCOIN_REGTEST)
    return f"- address: {shown}\n  label: {label}\n  actor: {actor}\n"


def _campaign(published: Lock) -> str:
    head = _header(
        "Donation page", "https://lantern.invalid/donate", "manual_transaction", "2023-06-10"
    )
    kind = "category: donation\nabuse: terrorism_financing\nis_cluster_definer: true\ntags:\n"
    return head + kind + _tag(published, f"{LANTERN} campaign", LANTERN.lower())


def _exchanges(exchanges: Sequence[Exchange]) -> str:
    head = _header(
        "Exchange reserves", "https://reserves.invalid/list", "service_data", "2023-06-01"
    )
    kind = "category: exchange\nconcepts: [exchange, hot_wallet]\nis_cluster_definer: true\ntags:\n"
    return (
        head
        + kind
        + "".join(
            _tag(exchange.hot.home, f"{exchange.name} hot wallet", exchange.name.lower())
            for exchange in exchanges
            if exchange.hot.home
        )
    )


def _market(adverts: dict[str, Lock]) -> str:
    head = _header("Adverts of vendors", "https://otter.invalid/vendors", "web_crawl", "2023-06-20")
    kind = "concepts: [vendor]\nabuse: drugs\nis_cluster_definer: true\ntags:\n"
    return (
        head
        + kind
        + "".join(
            _tag(lock, f"{name} (vendor at {OTTER})", name.lower())
            for name, lock in adverts.items()
        )
    )
