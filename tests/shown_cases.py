"""Cases as an edition shows them, made once: of coins and of a token, for tests of exports."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from account_chains import Accounts

import chainwatch as cw
from chainwatch.addresses.assets import Asset
from chainwatch.attribution.tags import Tags
from chainwatch.case.case import Case
from chainwatch.case.exports.shown.case import ShownCase
from chainwatch.heuristics.coinjoin import equal_outputs
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.policies import fifo

KEY = bytes(range(32))
ACQUIRED = datetime(2024, 9, 27, tzinfo=UTC)
GOAML: Mapping[str, Any] = {
    "rentity_id": 7, "currency_code_local": "EUR", "indicators": ("CRYMX",),
}  # fmt: skip
ACCOUNTS = Accounts("eth")
HOSTILE = (
    "<script>alert(1)</script> & ]]> \"' =cmd|' /C calc'!A0 \u202egnp.exe \x00\x1b[31m \ufffe"
    ' {{7*7}} #panic("z") \']\n[case]\r\n' + "x" * 10_000
)


def _case(words: str = "") -> Case:
    half = f"{words}\ud800" if words else ""
    return Case(
        "shown", f"Whom does it reach? {half}", title=f"A case {half}".strip(), mask_key=KEY,
        investigator=words or "An Investigator", statements=(half,) if words else (),
        clock=lambda: ACQUIRED,
    )  # fmt: skip


def coin_case(ledger: Ledger, tags: Tags) -> Case:
    """Return the made-up case Otter: coins, clusters, a trace, what was not read."""
    mixes = equal_outputs(min_equal=3)
    clusters = cw.owners(ledger, tags=tags)
    vendor = tags.where(label="Kelp (vendor at Otter)").addresses()
    stop = [tags.where(concept="service"), mixes]
    trace = cw.trace(ledger, vendor, policy=fifo, stop=stop, clusters=clusters)
    made = _case().add(tags, clusters, trace)
    made.look_beside(ledger)
    made.basis = replace(made.basis, first=ACQUIRED, last=ACQUIRED)
    made.trials.stop()  # it is kept, and hears of nothing that other tests try
    return made


@functools.cache
def token_case(words: str = "") -> Case:
    """Return a case on a token of an account chain; ``words`` stand wherever strangers write."""
    payments = [
        ("giver>kelp:90000001", 1), ("kelp>amy:50000003", 10), ("kelp>host:30000002", 11),
        ("amy>host:20000005", 12), ("amy>bob:25000004", 13),
    ]  # fmt: skip
    ledger = ACCOUNTS.ledger(payments, read=["kelp", "amy"])
    named = {"label": words or "An exchange", "actor": words or "exchange-one"}
    tags = ACCOUNTS.tags(("host", "", "exchange", named), ("kelp", "kelp", "vendor"))
    asset = Asset(ACCOUNTS.chain, ACCOUNTS("token"), words or "USDT", 6)
    subjects = tags.where(concept="vendor").addresses()
    stop = tags.where(concept="service")
    trace = cw.trace(ledger, subjects, policy="fifo", asset=asset, stop=stop)
    made = _case(words).add(tags, trace, cw.counterparties(ledger, subjects, asset=asset))
    made.look_beside(ledger)
    made.basis = replace(made.basis, first=ACQUIRED, last=ACQUIRED)
    made.trials.stop()  # it is kept, and hears of nothing that other tests try
    return made


def shown(case: Case, edition: str, **settings: Any) -> ShownCase:
    """Return what an edition shows of a case, with the settings of a goAML report."""
    return case.shown(edition, {"goaml": {**GOAML, **settings}})


def masked_texts(case: Case) -> frozenset[str]:
    """Return whatever must not stand in the disclosure: masked addresses, withheld ids."""
    frames = case._masked()
    texts = {text for frame in frames.values() for text in frame[frame.columns[-1]].to_list()}
    return frozenset(
        texts | {text.lower() for text in texts} | {t.removeprefix("0x") for t in texts}
    )
