"""What is known of the protocols of joint transactions on Bitcoin: amounts, fees, first mixes.

These are facts of the protocols, as published code states them; what they make of a transaction is
said in :mod:`chainwatch.ledger.joint.shape` and :mod:`chainwatch.ledger.joint.whirlpool`.
"""

from __future__ import annotations

from chainwatch.addresses.canonical import parse

WASABI_COORDINATORS = tuple(
    parse(address, "btc")
    for address in (
        "bc1qs604c7jv6amk4cxqlnvuxv26hv3e48cds4m0ew",
        "bc1qa24tsgchvuxsaccp8vrnkfd85hrcpafg20kmjw",
    )
)
"""To these every mix of Wasabi 1 paid its coordinator's fee, up to height 609,999. Dumplings,
``Constants.cs``."""

WASABI_BASE, WASABI_TOLERANCE, WASABI_LEVELS = 10_000_000, 500_000, 13
"""Satoshi. The equal output of Wasabi 1.0, how far it strays, and how often Wasabi 1.1 doubles it.
Schnoering and Vazirgiannis 2023, as GraphSense's ``heuristics_service.py`` has it."""

_LEAST, _MOST = 5_000, 134_375_000_000

STANDARD = tuple(
    sorted(
        {
            factor * base**power
            for factor, base in ((1, 2), (1, 3), (2, 3), (1, 10), (2, 10), (5, 10))
            for power in range(40)
            if _LEAST <= factor * base**power <= _MOST
        }
    )
)
"""Satoshi. The amounts of which Wasabi 2 makes its outputs: powers of two and of three, those of
three doubled, and 1, 2 and 5 times powers of ten. WalletWasabi, ``DenominationBuilder.cs``."""

WHIRLPOOL_GENESIS = tuple(
    bytes.fromhex(shown)[::-1]
    for shown in (
        "ac9566a240a5e037471b1a58ea50206062c13e1a75c0c2de3f21c7053573330a",
        "c6c27bef217583cca5f89de86e0cd7d8b546844f800da91d91a74039c3b40fba",
        "a42596825352055841949a8270eda6fb37566a8780b2aec6b49d8035955d060e",
        "4c906f897467c7ed8690576edfcaf8b1fb516d154ef6506a2c4cab2c48821728",
        "a554db794560458c102bab0af99773883df13bc66ad287c29610ad9bac138926",
        "792c0bfde7f6bf023ff239660fb876315826a0a52fd32e78ea732057789b2be0",
        "94b0da89431d8bd74f1134d8152ed1c7c4f83375e63bc79f19cf293800a83f52",
        "e04e5a5932e8d42e4ef641c836c6d08d9f0fff58ab4527ca788485a3fceb2416",
        "b42df707a3d876b24a22b0199e18dc39aba2eafa6dbeaaf9dd23d925bb379c59",
        "737a867727db9a2c981ad622f2fa14b021ce8b1066a001e34fb793f8da833155",
        "7784df1182ab86ee33577b75109bb0f7c5622b9fb91df24b65ab2ab01b27dffa",
    )
)
"""The first transactions of Whirlpool's pools, from which all its mixes descend: of 100,000,
1,000,000, 5,000,000 and 50,000,000 satoshi in 2019 to 2021, and of Ashigaru's pools of 2,500,000
and 25,000,000 in 2025. crocs-muni/coinjoin-analysis names all, Stuetz et al. (AFT 2022) seven of
them."""
