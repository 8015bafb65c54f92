"""Totals of the 20 listed Tron wallets from the CSV alone: a recomputation that imports none of us.

python tests/golden/tron_totals.py FOLDER/tron
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

USDT, TRIFLE = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", 100_000
ALIKE = ["tx_id", "token_id", "from_address", "to_address", "quant"]


def totals(folder: Path) -> dict[str, object]:
    """Return every total as plain numbers: USDT in millionths, addresses as text."""
    rows = pl.read_csv(folder / "listed_wallet_transfers.csv", schema_overrides={"quant": str})
    listed = pl.read_csv(folder / "listed_wallets.csv")["wallet"].to_list()
    seen = rows.group_by(*ALIKE, "wallet").len().group_by(ALIKE).agg(pl.col("len").max())
    once = rows.unique(ALIKE).join(seen, on=ALIKE)
    usdt = once.filter(pl.col("token_id") == USDT).with_columns(pl.col("quant").cast(pl.Int64))
    names = dict(rows.select("from_address", "from_tag").drop_nulls().iter_rows())
    names |= dict(rows.select("to_address", "to_tag").drop_nulls().iter_rows())
    actor = {a: n.rstrip("0123456789 ").removesuffix("-Hot").lower() for a, n in names.items()}
    pairs: dict[tuple[str, str], int] = {}
    for a, b, q, count in usdt.select("from_address", "to_address", "quant", "len").iter_rows():
        for pair in ((a, b), (b, a)):
            pairs[pair] = pairs.get(pair, 0) + q * count
    endings: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for (me, other), traded in pairs.items():
        endings.setdefault((me, other[-4:]), []).append((other, traded))
    kept, zeros, lures = [], [], []
    for tx, a, b, q, ms, count in usdt.select(
        "tx_id", "from_address", "to_address", "quant", "timestamp", "len"
    ).iter_rows():
        twins = [t for who, t in endings[b, a[-4:]] if who != a and t > pairs[b, a]]
        kind = zeros if q == 0 else lures if q <= TRIFLE and twins else kept
        kind += [(tx, a, b, q, datetime.fromtimestamp(ms / 1000, UTC))] * count
    hosted, by, month, late = {}, {}, {}, {"in": 0, "out": 0}
    for wallet in listed:
        into = sum(q for _, _, b, q, _ in kept if b == wallet)
        out = [(b, q) for _, a, b, q, _ in kept if a == wallet]
        hosts = {actor.get(b) for b, _ in out}
        gone = sum(q for _, q in out)
        swept = len(out) > 1 and len(hosts) == 1 and None not in hosts
        if into and swept and gone * 1000 >= into * 980:
            hosted[wallet] = [hosts.pop(), into, gone, len(out)]
    for _, a, b, q, time in kept:
        for me, other, side in ((a, b, "out"), (b, a, "in")):
            if me in listed:
                service = (side, actor.get(other) or "untagged")
                for table, key in ((by, service), (month, (f"{time:%Y-%m}", side))):
                    count, value = table.get(key, (0, 0))
                    table[key] = (count + 1, value + q)
                late[side] += q if time >= datetime(2022, 3, 7, tzinfo=UTC) else 0
    unhosted = sum(q for _, a, _, q, _ in kept if a in listed and a not in hosted)
    return {
        "rows": [rows.height, int(once["len"].sum())],
        "usdt": [rows.filter(pl.col("token_id") == USDT).height, int(usdt["len"].sum())],
        "zeros": sorted(row[0] for row in zeros), "lures": sorted(row[0] for row in lures),
        "hosted": hosted, "by_service": sorted([*key, *value] for key, value in by.items()),
        "by_month": sorted([*key, *value] for key, value in month.items()),
        "late": late, "unhosted": unhosted,
    }  # fmt: skip


if __name__ == "__main__":
    json.dump(totals(Path(sys.argv[1])), sys.stdout, indent=1, default=str)
