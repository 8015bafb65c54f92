"""A small case on a token: four transfers, one tag, run in a second or two."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from case_texts import USDT, token_case

SUBJECT = "TXRBsytHfJDoAKRdcedgLsoHudh1xJGUdC"
HOT = "TBA6CypYJizwA9XdC7Ubgc5F1bxrQ7SqPt"
OTHERS = ["TETZBHSy22wSaufVE1GhNBiDdTYGBJ6aZk", "TGBYT9Kfs7Za2yWf2TCka5kZq942tKPUAq"]
HEAD = "tx,time,from,to,from_tag,to_tag,quant,token,symbol,decimals,wallet\n"
ACQUIRED = MADE = datetime(2024, 9, 27, tzinfo=UTC)
KEY = bytes(range(32))
BOTH = """editions = ["disclosure", "working"]
working_reason = "to be handed over"
working_authority = "a court"
hypothesis = "The money goes to one exchange."
planned_policy = "fifo"
"""
TAGS = '[[tags]]\npath = "tags.csv"\nchain = "tron"\nkind = "table"\n'


def transfer(number: int, sender: str, receiver: str, amount: int) -> str:
    """Return a line of the table."""
    txid = hashlib.sha256(str(number).encode()).hexdigest()
    time = 1_640_000_000_000 + number * 1_000
    return f"{txid},{time},{sender},{receiver},,,{amount},{USDT},USDT,6,{SUBJECT}\n"


def write_data(folder: Path) -> Path:
    """Write the data of the small case, and return its case file."""
    folder.mkdir()
    rows = [
        transfer(1, OTHERS[0], SUBJECT, 5_000_000),
        transfer(2, OTHERS[1], SUBJECT, 2_000_000),
        transfer(3, SUBJECT, HOT, 4_000_000),
        transfer(4, SUBJECT, HOT, 3_000_000),
    ]
    (folder / "transfers.csv").write_text(HEAD + "".join(rows))
    (folder / "tags.csv").write_text(f"address,label,concept\n{HOT},Exchange 1,exchange\n")
    file = folder / "small.toml"
    text = token_case(SUBJECT, path="transfers.csv", head=BOTH, more=TAGS)
    file.write_text(f"# Who asked, and why.\n{text}")
    return file
