"""The wallet software of simulated people: a policy each, under the name of what it resembles.

No policy is measured on a real wallet. Each has the habits that people say a wallet of its kind
has or had: how it chooses coins, where change goes, fields, scripts, fees. What matters is that
they differ, and that some share all that a fingerprint sees.
"""

from __future__ import annotations

from dataclasses import replace

from chainwatch.simulate.wallets import Policy

FINAL, REPLACEABLE, LOCKABLE = 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFE
"""Sequence numbers: none, replaceable by fee, with lock time but not replaceable."""

GOING = 0
"""Fee rate of those who pay what is asked now; others always pay the same."""

NODE = Policy(select="exact", locktime=True, sequence=REPLACEABLE, fee_rate=GOING)

SOFTWARE: dict[str, Policy] = {
    "node": NODE,
    "node_taproot": replace(NODE, kind="p2tr"),
    "node_old": replace(NODE, kind="p2pkh", select="random", sequence=LOCKABLE, low_r=False),
    "desktop": Policy(order="bip69", locktime=True, fee_rate=GOING, low_r=False),
    "desktop_multisig": Policy(kind="p2wsh", order="bip69", locktime=True, fee_rate=GOING),
    "mobile": Policy(select="smallest", order="change_last", sequence=FINAL, fee_rate=GOING),
    "mobile_first": Policy(select="oldest", order="change_first", version=1, sequence=FINAL),
    "legacy": Policy(kind="p2pkh", version=1, sequence=FINAL, fee_rate=12, low_r=False),
    "nested": Policy(kind="p2sh", select="largest", version=1, sequence=FINAL, fee_rate=9),
    "old_multisig": Policy(kind="p2sh_multisig", version=1, sequence=FINAL, low_r=False),
    "hardware": Policy(select="largest", order="random", version=1, fee_rate=GOING),
    "taproot": Policy(kind="p2tr", order="bip69", sequence=LOCKABLE, locktime=True, fee_rate=GOING),
    "taproot_script": Policy(kind="p2tr_leaf", select="largest", sequence=REPLACEABLE),
    "one_address": Policy(reuse=True, order="change_last", version=1, sequence=FINAL),
    "one_old_address": Policy(
        kind="p2pkh_long", reuse=True, version=1, sequence=FINAL, low_r=False
    ),
    "round_change": Policy(round_change=10_000, sequence=FINAL),
}
"""Wallets of people by name."""

MIXER = Policy(select="largest", order="bip69", sequence=FINAL, version=1)
"""Behind a mix: few inputs, sorted outputs."""

HOT_WALLETS = (
    Policy(kind="p2wsh", select="largest", reuse=True, locktime=True),
    Policy(kind="p2sh", select="largest", order="change_last", version=1, sequence=FINAL),
    Policy(kind="p2wpkh", select="oldest", order="random", sequence=FINAL),
)
"""Of exchanges, in turn: what pays withdrawals out."""

DEPOSITS = (
    Policy(kind="p2wpkh"),
    Policy(kind="p2sh", version=1, sequence=FINAL),
    Policy(kind="p2pkh", version=1, sequence=FINAL),
)
"""Of exchanges, in turn: what customers pay to."""

POOLS = (
    Policy(kind="p2pkh", reuse=True, order="change_last"),
    Policy(kind="p2pk", order="change_last", low_r=False),
    Policy(reuse=True, order="change_last"),
)
"""Of miners, in turn; one is paid to bare keys, which have no address."""

COMPANY = Policy(select="all", order="change_last")
TOKENS = Policy(kind="p2tr", order="change_last", sequence=REPLACEABLE)
