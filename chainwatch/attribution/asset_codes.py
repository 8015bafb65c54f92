"""Which chain a currency, a network or the asset code of a list means."""

from __future__ import annotations

from types import MappingProxyType

from chainwatch.chains.catalogue import all_chains

_ALIASES = {name.upper(): chain.alias for chain in all_chains() for name in (chain.alias, chain.id)}

NETWORKS: MappingProxyType[str, str] = MappingProxyType(
    {
        **_ALIASES,
        "BTC": "btc",
        "XBT": "btc",
        "BCH": "bch",
        "LTC": "ltc",
        "DOGE": "doge",
        "ETH": "eth",
        "ERC20": "eth",
        "TRX": "tron",
        "TRON": "tron",
        "TRC20": "tron",
    }
)
"""Codes in packs and lists, in upper case, with the alias of their chain."""

TOKENS = frozenset({"USDT", "USDC"})
"""Assets that live on several chains: without a network, the address's form says which."""


def network_of(code: str, address: str) -> tuple[str | None, str]:
    """Return the chain alias for a currency or network code, and else the reason there is none.

    A token without a network is placed by the form of its address: ``0x`` is Ethereum, ``T`` is
    Tron. ``0x`` addresses of other networks (``BSC``, ``ARB``, ``ETC``) are *not* taken for
    Ethereum: the same key on two chains is not the same address.

    Parameters
    ----------
    code : str
        Network of a tag, or its currency where it states no network; any case.
    address : str
        Text of the address.

    Returns
    -------
    tuple of (str or None, str)
        Alias, or None and a reason.
    """
    name = code.strip().upper()
    if name in NETWORKS:
        return NETWORKS[name], ""
    if name not in TOKENS:
        return None, f"network {code.strip()[:40]!r} is not supported"
    form = address.strip()
    if form[:2].lower() == "0x":
        return "eth", ""
    if form.startswith("T"):
        return "tron", ""
    return None, f"{name} without a network, and the address has the form of neither ETH nor TRX"
