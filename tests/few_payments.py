"""A few payments written by hand, what a typology answers of them, and donations that rotate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from plain_shapes import key

from chainwatch import typologies as typ
from chainwatch.addresses.assets import native
from chainwatch.typologies.flows import Flows, Name
from chainwatch.typologies.made_flows import make_flows
from chainwatch.typologies.typology import Claim, Found, Typology

START = datetime(2023, 6, 1, tzinfo=UTC)
HOUR, DAY = 3_600, 86_400
WIDE = 10**24
"""Far beyond 64 bits."""
COIN = native("btc")
NAMES = {
    "market": Name("bazaar", "dark_market"), "other": Name("souk", "dark_market"),
    "shop": Name("shop", "exchange"), "e1": Name("one", "exchange"), "e2": Name("two", "exchange"),
    "desk": Name("desk", "money_exchange"), "vouch": Name("vouch", "guarantee_platform"),
    "turn0": Name("a call", "fundraising_campaign"),
}  # fmt: skip

Paid = tuple[Any, ...]
"""``"a>b:5"``, the second, and perhaps the quorum and the keys."""


def flows(payments: Sequence[Paid], wide: int = 1, **more: Any) -> Flows:
    rows = []
    named = list(NAMES)
    for place, (text, second, *unlocked) in enumerate(payments):
        ends, _, amount = text.partition(":")
        payer, _, payee = ends.partition(">")
        deed, quorum, keys = (*unlocked, None, None, None)[:3] if unlocked else (None, None, None)
        number = place if deed is None else 1_000 + int(deed)
        rows.append((
            key(payer), key(payee), int(amount) * wide, START + timedelta(seconds=second), place,
            number.to_bytes(32), quorum, keys,
            *(named.index(one) if one in named else -1 for one in (payer, payee)),
        ))  # fmt: skip
    columns = {"payer": pl.Binary, "payee": pl.Binary, "amount": pl.Int128,
               "time": pl.Datetime("us", "UTC"), "rank": pl.Int64, "txid": pl.Binary,
               "quorum": pl.String, "keys": pl.List(pl.Binary), "payer_name": pl.Int32,
               "payee_name": pl.Int32}  # fmt: skip
    frame = pl.DataFrame(rows, schema=columns, orient="row").sort("time", maintain_order=True)
    frame = frame.with_columns(rank=pl.int_range(pl.len(), dtype=pl.Int64))
    return make_flows(frame, COIN, names=tuple(NAMES.values()), **more)


def found(one: Typology, payments: Sequence[Paid], **more: Any) -> Found:
    return one.find(flows(payments, **more))


def claims(one: Typology, payments: Sequence[Paid], **more: Any) -> list[Claim]:
    """Return what is claimed; where nothing is priced, amounts of any width give the same."""
    told = list(found(one, payments, **more).claims)
    if not {"facts", "prices"} & set(more):
        params = dict(one.params)
        params |= {"units": params["units"] * WIDE} if "units" in params else {}
        same = getattr(typ, one.name)(**params).find(flows(payments, WIDE, **more)).claims
        assert [(claim.party, claim.why) for claim in same] == [
            (claim.party, claim.why) for claim in told
        ]
    return told


def rotated(count: int, people: int, gap: int = 10) -> list[Paid]:
    return [one for k in range(count) for one in (
        *((f"p{k}x{n}>turn{k}:100", (k * gap + n) * DAY) for n in range(people)),
        (f"turn{k}>pot:{people * 95}", (k * gap + people + 1) * DAY))]  # fmt: skip
