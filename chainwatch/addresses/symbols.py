"""Symbols of tokens that look like another's: a symbol is anybody's, a contract is not."""

from __future__ import annotations

import unicodedata

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import parse
from chainwatch.addresses.plain_letters import LOOK_ALIKES
from chainwatch.chains.catalogue import chain as find_chain

STABLECOINS = {
    "eip155:1": {
        "USDT": "0xdAC17F958D2ee523a2206206994597C13D831ec7",
        "USDC": "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
        "DAI": "0x6B175474E89094C44Da98b954EedeAC495271d0F",
    },
    "tron:0x2b6653dc": {
        "USDT": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
        "USDC": "TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8",
    },
}
"""Contracts that issuers name as theirs (tether.to, circle.com, makerdao.com), by chain and symbol.
Theirs are the symbols that counterfeits bear."""

_LIKE = {
    ord(strange): plain.upper() for strange, plain in LOOK_ALIKES.items() if strange.isupper()
} | {0x20AE: "T"}
"""Capitals of other scripts, and the sign of the tugrik, that look like Latin letters."""


def shape(symbol: str) -> str:
    """Return what a hurried reader sees of a symbol: no case, no blanks, no letters' origin.

    Examples
    --------
    >>> shape(" usd\\u200bt "), shape("USD\\u20ae")
    ('USDT', 'USDT')
    """
    plain = unicodedata.normalize("NFKC", symbol).upper()
    kept = (mark for mark in plain if unicodedata.category(mark) not in ("Cf", "Zs", "Cc"))
    return "".join(kept).translate(_LIKE)


def looks_like(symbol: str | None, contract: bytes | None, asset: Asset) -> bool:
    """Tell whether a token bears the symbol of the asset, the coin or a stablecoin, and is another.

    Bridged tokens do so honestly: that a symbol is alike makes no counterfeit.

    Parameters
    ----------
    symbol : str or None
        As the source states it.
    contract : bytes or None
        Canonical address of its contract; None is the coin itself.
    asset : Asset
        What a case is about; it says on which chain too.
    """
    if symbol is None or contract is None or contract == asset.contract:
        return False
    listed = STABLECOINS.get(asset.chain, {})
    seen = shape(symbol)
    genuine = {shape(name): parse(text, asset.chain) for name, text in listed.items()}
    if genuine.get(seen) == contract:
        return False
    return seen in {*genuine, shape(asset.symbol), shape(find_chain(asset.chain).symbol)}
