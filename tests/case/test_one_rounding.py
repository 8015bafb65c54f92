"""One quantity has one rounding in a disclosure: no exact figure stands beside a coarse one."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from case_texts import USDT, token_case
from pypdf import PdfReader

from chainwatch.addresses.canonical import Kind, text
from chainwatch.case.recipes.run import run_case
from chainwatch.units import to_text

SIGNIFICANT = 4
"""A number of fewer digits stands in a report by chance."""


def account(body: bytes) -> str:
    return text(bytes([Kind.TRON]) + body.rjust(20, b"\x01"), "tron")


SUBJECT, PAYER = account(b"\x51subject"), account(b"\x52payer")
PARTNER, TWIN = account(b"\x60\x71\x81partner"), account(b"\x61twin0160895")
"""The two end in the same three characters."""
ONE_PAYMENT, ASTRAY = 3_123_456_789, 123_456_789_012


def amounts(folder: Path) -> Iterator[int]:
    """Yield the amounts of all tables of an edition, in base units."""
    for path in sorted((folder / "tables").glob("*.parquet")):
        frame = pl.read_parquet(path)
        for column in frame.select(pl.selectors.decimal()).columns:
            yield from map(int, frame[column].drop_nulls())


def written(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield every file of an edition as text; what a table holds in base units is in its CSV."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".pdf":
            pages = PdfReader(io.BytesIO(path.read_bytes())).pages
            yield path.name, "\n".join(page.extract_text() for page in pages)
        elif path.is_file() and path.suffix not in (".parquet", ".png"):
            yield path.name, path.read_text("utf-8")


def leaks(folder: Path, hidden: set[int], decimals: int) -> list[str]:
    """Return where an amount stands to the last unit, in base units or in coins."""
    forms = {
        form: amount
        for amount in hidden
        for form in (
            str(amount), to_text(amount, decimals), to_text(amount, decimals, group=True)
        )
    }  # fmt: skip
    number = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w])")
    return [
        f"{name}: {found}"
        for name, said in written(folder)
        for found in sorted(set(number.findall(said)) & forms.keys())
    ]


def significant(amount: int) -> bool:
    return len(str(abs(amount)).rstrip("0")) >= SIGNIFICANT


def test_of_the_market_no_rounded_amount_stands_anywhere_in_full(demo_case) -> None:
    working, disclosure = (demo_case.folder / name for name in ("working", "disclosure"))
    followed = pl.read_parquet(working / "tables" / "origins.parquet")["amount"]
    open_ = {*amounts(disclosure), int(followed.sum())}
    hidden = {one for one in amounts(working) if significant(one)} - open_
    assert len(hidden) > 20, "the figures below would prove nothing"
    ends = pl.read_parquet(working / "tables" / "ends_by_reason.parquet")
    mixed = int(ends.filter(pl.col("reason") == "mixer")["amount"][0])
    assert mixed in hidden, "a mixer's amount is of one masked party"
    assert leaks(disclosure, hidden, 8) == []
    shown = pl.read_parquet(disclosure / "tables" / "ends_by_reason.parquet")
    assert shown.filter(pl.col("reason") == "mixer").select("amount", "ends", "rounded").row(0) == (
        10_000_000, "1", True,
    )  # fmt: skip
    page = (disclosure / "report.html").read_text("utf-8")
    assert "≈ 0.1 rBTC into a transaction that looks like a CoinJoin" in page
    assert leaks(working, {mixed}, 8), "the search finds what is there"


def test_no_sum_of_another_table_tells_what_ends_by_reason_rounds(demo_case) -> None:
    """Nor does the rest of one: all ends that are not listed stand in one sum, the whole."""
    working, disclosure = (
        pl.read_parquet(demo_case.folder / name / "tables" / "ends_by_reason.parquet")
        for name in ("working", "disclosure")
    )
    rounded = set(disclosure.filter("rounded")["reason"])
    exact = {int(x) for x in working.filter(pl.col("reason").is_in(list(rounded)))["amount"]}
    assert {"mixer", "unspent"} < rounded
    told = [*amounts(demo_case.folder / "disclosure")]
    assert not exact & {*told}
    assert not {int(working["amount"].sum()) - one for one in exact} & {*told}
    ends = pl.read_parquet(demo_case.folder / "disclosure" / "tables" / "ends.parquet")
    listed = {int(one) for one in ends["amount"]}
    assert sum(listed) == working["amount"].sum()
    assert not exact & listed


def test_what_reached_somebody_named_is_said_alike_in_table_text_and_figure(demo_case) -> None:
    folder = demo_case.folder / "disclosure"
    reached = pl.read_parquet(folder / "tables" / "reached.parquet")
    assert reached.select("actor", "arrived", "rounded").rows() == [("lantern", 4_000_000, False)]
    page = (folder / "report.html").read_text("utf-8")
    assert "On the way 0.04 rBTC is consistent with having reached lantern" in page
    (row,) = re.findall(r"<tr>\s*<td[^>]*>F1</td>.*?</tr>", page, re.DOTALL)
    assert ">0.04 rBTC (5.3 %)</td>" in row


EDITIONS = """editions = ["disclosure", "working"]
working_reason = "a test"
working_authority = "a court"
"""
CASE = token_case(
    SUBJECT, name="few", title="Two payments", question="Whom?", head=EDITIONS,
    more="""[follow]
policy = "fifo"
alike_tail = 3
[[dates]]
day = 2022-01-05
name = "order"
""",
)  # fmt: skip
"""A subject pays a partner once, and then one who looks like him."""


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("few")
    assert TWIN[-3:] == PARTNER[-3:]
    rows = [
        (PAYER, SUBJECT, 200_000_500_000),
        (SUBJECT, PARTNER, ONE_PAYMENT),
        (SUBJECT, TWIN, ASTRAY),
    ]
    lines = [
        f"{number:064x},{1640995200000 + number * 10**9},{sender},{receiver},{amount},{USDT},USDT,6"
        for number, (sender, receiver, amount) in enumerate(rows, 1)
    ]
    head = "tx,time,from,to,quant,token,symbol,decimals"
    (folder / "t.csv").write_text("\n".join([head, *lines, ""]))
    (folder / "few.toml").write_text(CASE)
    run_case(folder / "few.toml", folder / "out", data=folder)
    return folder / "out"


def test_a_sentence_says_no_more_of_one_payment_than_its_row(few: Path) -> None:
    page = (few / "working" / "report.html").read_text("utf-8")
    assert "1 payment, 123,456.789012 USDT in all, went to a look-alike" in page
    page = (few / "disclosure" / "report.html").read_text("utf-8")
    assert "1 payment, ≈ 100,000 USDT in all, went to a look-alike" in page
    hidden = {ONE_PAYMENT, ASTRAY}
    assert leaks(few / "working", hidden, 6)
    assert leaks(few / "disclosure", hidden, 6) == []


def test_what_two_masked_parties_got_is_rounded_wherever_it_is_added_up(few: Path) -> None:
    """The total that the subject paid stays: it is the answer that a case is asked for."""
    both = to_text(ONE_PAYMENT + ASTRAY, 6, group=True)
    page = (few / "disclosure" / "report.html").read_text("utf-8")
    assert "Not read: where ≈ 100,000 USDT went on to" in page
    assert f"{both} USDT paid" in page
    for name in ("ends_by_reason", "bounds", "order_bounds", "unhosted_payments"):
        path = few / "disclosure" / "tables" / f"{name}.parquet"
        frame = pl.read_parquet(path)
        assert ONE_PAYMENT + ASTRAY not in {
            int(value)
            for column in frame.select(pl.selectors.decimal()).columns
            for value in frame[column].drop_nulls()
        }, name
