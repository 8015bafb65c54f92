"""A small case on a token, run once, and bundles of it: change nothing in them, copy them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from case_texts import USDT, token_case

from chainwatch.case.bundle.bundle import Bundle, bundle
from chainwatch.case.recipes.run import run_case

SUBJECT = "TXRBsytHfJDoAKRdcedgLsoHudh1xJGUdC"
HOT = "TBA6CypYJizwA9XdC7Ubgc5F1bxrQ7SqPt"
OTHERS = ["TETZBHSy22wSaufVE1GhNBiDdTYGBJ6aZk", "TGBYT9Kfs7Za2yWf2TCka5kZq942tKPUAq"]
HEAD = "tx,time,from,to,from_tag,to_tag,quant,token,symbol,decimals,wallet\n"
ACQUIRED = MADE = datetime(2024, 9, 27, tzinfo=UTC)
KEY = bytes(range(32))
BOTH = """editions = ["disclosure", "working"]
working_reason = "to be handed over"
working_authority = "a court"
"""
TAGS = '[[tags]]\npath = "tags.csv"\nchain = "tron"\nkind = "table"\n'


def transfer(number: int, sender: str, receiver: str, amount: int) -> str:
    txid = hashlib.sha256(str(number).encode()).hexdigest()
    time = 1_640_000_000_000 + number * 1_000
    return f"{txid},{time},{sender},{receiver},,,{amount},{USDT},USDT,6,{SUBJECT}\n"


def write_data(folder: Path, *, case: str = "") -> Path:
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
    file.write_text(case or f"# Who asked, and why.\n{text}")
    return file


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run; its data lies beside it in ``data``."""
    room = tmp_path_factory.mktemp("small")
    file = write_data(room / "data")
    return run_case(
        file, room / "run", data=room / "data", mask_key=KEY, acquired=ACQUIRED
    ).folder  # fmt: skip


@pytest.fixture(scope="session")
def bundles(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    """One bundle of each edition."""
    room = tmp_path_factory.mktemp("bundles")
    return {
        "disclosure": bundle(small_run, room / "disclosure", made=MADE),
        "working": bundle(
            small_run, room / "working", edition="working", reason="to be rerun",
            authority="a court", data=small_run.parent / "data", made=MADE,
        ),
    }  # fmt: skip
