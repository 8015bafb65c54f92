"""The interactive page in a real browser: what is drawn, found, opened, filtered and saved."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from interactive_pages import TXID, count, details, find, place_of, rows_of, seen, told, until
from lxml import etree

from chainwatch.addresses.canonical import parse, text
from chainwatch.figures.interactive_page.page import page as page_of
from chainwatch.heuristics.rates import MEASURED


def test_it_draws_itself_and_says_what_it_is(working: Any) -> None:
    assert working.title() == "Otter: main routes"
    assert working.locator("html").get_attribute("lang") == "en"
    for landmark in ("header", "main", "aside", "[role=search]", "[role=status][aria-live=polite]"):
        assert working.locator(landmark).count() == 1
    legend = working.locator("#legend").inner_text()
    for part in ("FIFO", "rBTC, 8 decimals", "Data acquired", "Read up to", "Payments", "sha256:"):
        assert part in legend
    assert "consistent with" in legend
    assert "nobody is masked" in working.locator("#edition").inner_text()
    assert count(working)[0] > 10


def test_a_name_is_found_and_told_with_what_it_rests_on(working: Any) -> None:
    find(working, "kelp")
    told_of = details(working)
    assert "Kelp (vendor at Otter)" in told_of
    assert re.search(r"Role\s+subject", told_of)
    assert re.search(r"Source\s+https://otter.invalid/vendors", told_of)
    assert re.search(r"Said on\s+2023-06-20", told_of)
    assert re.search(r"Confidence\s+web_crawl", told_of)
    assert re.search(r"Came in\s+[\d.]+ rBTC", told_of)
    assert working.evaluate("document.activeElement.id") == "figure"


def test_a_cluster_tells_its_addresses_and_links(working: Any, otter_world: Any) -> None:
    trace, clusters, _ = otter_world
    find(working, "kelp")
    address = re.search(r"Address\s+(\w+)", details(working))[1]
    whole = {one: cluster for _, one, cluster in clusters.frame.iter_rows()}
    cluster = whole[parse(address, trace.asset.chain)]
    members = clusters.frame.filter(pl.col("cluster") == cluster)
    working.locator("#members summary").click()
    listed = working.locator("#members li").all_inner_texts()
    assert sorted(listed) == sorted(text(one, trace.asset.chain) for one in members["address"])
    working.locator("#links summary").click()
    links = working.locator("#links li").all_inner_texts()
    assert len(links) == len(listed) - 1
    assert all("co_spend" in link for link in links)
    rate = MEASURED.by_rule["co_spend"]
    said = f"confidence 0.929 ({rate.right:,} of {rate.of:,} links, simulated owners)"
    assert rate.confidence > 0.9295, "rounded it would be more than it is"
    assert all(said in link for link in links)


def test_an_address_and_a_transaction_are_found(working: Any, otter_world: Any) -> None:
    trace, _, _ = otter_world
    payer = text(trace.steps["source"][0], trace.asset.chain)
    find(working, payer)
    assert payer in working.locator("#details").text_content()
    txid = trace.steps.sort("time")["txid"][0][::-1].hex()
    find(working, txid)
    assert txid in working.locator("#details").inner_html()
    assert "Amount" in details(working)
    working.fill("#search", "no such thing")
    assert working.locator("#found").inner_text() == "Nothing found"


def test_a_cluster_opens_and_folds_and_that_is_undone(working: Any) -> None:
    folded = count(working)
    find(working, "kelp")
    working.click("#open")
    open_ = count(working)
    assert open_[0] > folded[0]
    working.click("#undo")
    assert count(working) == folded
    assert working.locator("#undo").is_disabled()
    find(working, "kelp")
    working.click("#open")
    working.click("#fold")
    assert count(working) == folded
    working.click("#reset")
    assert working.locator("#undo").is_disabled()


def test_a_peel_chain_opens_into_its_wallets(working: Any) -> None:
    before = count(working)
    find(working, "peel chain")
    listed = working.locator("#details ol li").all_inner_texts()
    assert len(listed) >= 3
    working.click("#open")
    assert count(working)[0] == before[0] + len(listed) - 1
    working.fill("#search", "")
    find(working, listed[1])
    assert listed[1] in working.locator("#details h2").inner_text()


def test_amounts_filter(working: Any) -> None:
    before = count(working)
    working.fill("#low", "0.2")
    after = count(working)
    assert 0 < after[1] < before[1]
    assert min(rows_of(working).values()) >= 20_000_000
    working.fill("#high", "0.25")
    assert all(20_000_000 <= one <= 25_000_000 for one in rows_of(working).values())
    working.fill("#low", "much")
    assert working.locator("#low").get_attribute("aria-invalid") == "true"
    assert "“much” is no amount" in working.locator("#unread").inner_text()
    working.fill("#low", "900")
    assert working.locator("#unread").is_hidden()
    working.fill("#high", "")
    assert working.locator("#nothing").is_visible()
    working.click("#reset")
    assert count(working) == before
    assert working.locator("#low").input_value() == ""


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("0,05", "0.05"), ("0,2500", "0.25"), ("00,2", "0.2"), ("1,234.5", "1234.5"),
        ("1,234,567", "1234567"), ("1 234.5", "1234.5"), ("1234,567", "1234.567"), (" ", ""),
    ],
)  # fmt: skip
def test_an_amount_is_read_where_it_can_be_read_in_one_way(
    working: Any, typed: str, meant: str
) -> None:
    working.fill("#low", meant)
    rows = working.inner_text("#seen"), rows_of(working)
    working.fill("#low", typed)
    assert working.locator("#low").get_attribute("aria-invalid") == "false"
    assert working.locator("#unread").is_hidden()
    assert (working.inner_text("#seen"), rows_of(working)) == rows


@pytest.mark.parametrize(
    "typed",
    ["1,234", "12,345", "1.234,5", "1.234.567", "1,23,456", ",5", "much", "-1", "0.123456789"],
)
def test_an_amount_that_can_be_read_in_two_ways_is_refused_in_words(
    working: Any, typed: str
) -> None:
    before = count(working)
    working.fill("#low", typed)
    assert working.locator("#low").get_attribute("aria-invalid") == "true"
    assert f"“{typed}” is no amount that can be read in one way" in working.inner_text("#unread")
    assert count(working) == before
    working.fill("#low", "")
    assert working.locator("#unread").is_hidden()


def test_days_filter_and_amounts_are_those_of_the_days(working: Any, otter_world: Any) -> None:
    trace, _, _ = otter_world
    before = count(working)
    working.fill("#to", "2023-07-20")
    assert 0 < count(working)[1] < before[1]
    assert "to 2023-07-20" in working.locator("#span").inner_text()
    working.click("#reset")
    assert count(working) == before
    day = f"{trace.steps['time'].max():%Y-%m-%d}"
    working.fill("#from", day)
    find(working, trace.steps.sort("time")["txid"][-1][::-1].hex())
    stamps = working.locator("#transactions li").all_inner_texts()
    assert stamps
    assert all(day in stamp for stamp in stamps)


def test_a_span_of_the_timeline_is_dragged(working: Any) -> None:
    before = count(working)
    box = working.locator("#timeline").bounding_box()
    middle = box["y"] + box["height"] * 0.4
    right = box["x"] + box["width"] - 12
    working.mouse.move(right, middle)
    working.mouse.down()
    working.mouse.move(right - 100, middle, steps=4)
    working.mouse.move(box["x"] + box["width"] * 0.4, middle, steps=6)
    working.mouse.up()
    working.wait_for_selector("#seen:has-text('filters hide')")
    assert working.locator("#to").input_value().startswith("2023-0")
    assert count(working)[1] < before[1]


def test_kinds_are_taken_away_and_come_back(working: Any) -> None:
    before = count(working)
    working.uncheck("#kind-burnt")
    after = count(working)
    assert after[0] == before[0] - 1
    assert "network fees" not in rows_text(working)
    working.check("#kind-burnt")
    assert count(working) == before


def rows_text(page: Any) -> str:
    rows_of(page)
    return str(page.locator("#table").inner_text())


def test_hovering_and_clicking_tell_of_what_lies_there(working: Any) -> None:
    x, y = place_of(working, "network fees")
    working.mouse.move(x, y)
    working.locator("#tip").wait_for()
    assert "network fees" in working.locator("#tip").inner_text()
    working.mouse.click(x, y)
    working.locator("#details").wait_for()
    assert "network fees" in details(working)
    working.keyboard.press("Escape")
    assert working.locator("#details").is_hidden()


def test_a_double_click_opens(working: Any) -> None:
    before = count(working)
    x, y = place_of(working, "Kelp (vendor at Otter)")
    working.mouse.dblclick(x, y)
    working.locator("#undo:enabled").wait_for()
    assert count(working)[0] > before[0]


def test_it_is_zoomed_and_moved(working: Any) -> None:
    start = place_of(working, "network fees")
    working.click("#nearer")
    nearer = place_of(working, "network fees")
    assert nearer != start
    working.click("#whole")
    assert place_of(working, "network fees") == pytest.approx(start, abs=1)
    box = working.locator("#figure").bounding_box()
    x, y = box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.9
    working.mouse.move(x, y)
    working.mouse.down()
    working.mouse.move(x + 60, y - 40, steps=5)
    working.mouse.up()
    moved = place_of(working, "network fees")
    assert (moved[0] - start[0], moved[1] - start[1]) == pytest.approx((60, -40), abs=3)
    working.mouse.wheel(0, -300)
    until(working, lambda: place_of(working, "network fees") != moved)


def test_a_transaction_id_is_copied(opened: Any, editions: Any, otter_world: Any) -> None:
    trace, _, _ = otter_world
    txid = trace.steps.sort("time")["txid"][0][::-1].hex()
    define = "Object.defineProperty(navigator, 'clipboard', {value: %s})"
    taken = define % "{writeText: async (text) => {document.title = text;}}"
    for before in (taken, define % "undefined"):
        page = opened(editions["working"], before=before)
        page.locator("body[data-drawn]").wait_for()
        find(page, txid)
        button = page.locator(f"button[data-copy='{txid}']").first
        button.click()
        page.locator(f"button[data-copy='{txid}']:has-text('Copied')").first.wait_for()
        assert told(page) == f"Copied {txid}"
        if before is taken:
            assert page.title() == txid
        else:
            page.fill("#search", "")
            page.press("#search", "Control+V")
            assert page.locator("#search").input_value() == txid


def test_what_is_seen_is_saved_as_a_picture(working: Any, tmp_path: Path) -> None:
    working.fill("#low", "0.1")
    with working.expect_download() as saved:
        working.click("#save-svg")
    saved.value.save_as(tmp_path / "flows.svg")
    drawn = (tmp_path / "flows.svg").read_text("utf-8")
    root = etree.fromstring(drawn.encode())
    assert etree.QName(root).localname == "svg"
    words = " ".join(root.itertext())
    assert "northbank" in words
    assert "Otter: main routes" in words
    assert "FIFO" in words
    assert "http" not in re.sub(r"http://www.w3.org/\S*|https://otter\.invalid", "", drawn)


def test_what_is_seen_is_saved_as_a_table(working: Any, tmp_path: Path) -> None:
    working.fill("#low", "0.1")
    with working.expect_download() as saved:
        working.click("#save-csv")
    saved.value.save_as(tmp_path / "flows.csv")
    read = list(csv.DictReader(io.StringIO((tmp_path / "flows.csv").read_text("utf-8"))))
    assert len(read) == count(working)[1]
    assert {int(row["amount"]) for row in read} == set(rows_of(working).values())
    assert all(re.fullmatch(rf"({TXID} ?)+", row["txids"]) for row in read)


def test_a_rounded_sum_is_saved_with_the_digits_that_are_shown(
    opened: Any, editions: Any, tmp_path: Path
) -> None:
    data = editions["figure"].shown(editions["case"].edition("disclosure")).data
    one = next(move for move in data["moves"] if move.get("coarse"))
    exact = {"ends": one["ends"], "amount": "123456789", "count": 1, "rows": []}
    path = tmp_path / "mixed.html"
    path.write_text(page_of({**data, "moves": [*data["moves"], exact]}), "utf-8")
    page = opened(path)
    page.locator("body[data-drawn]").wait_for()
    with page.expect_download() as saved:
        page.click("#save-csv")
    saved.value.save_as(tmp_path / "flows.csv")
    read = list(csv.DictReader(io.StringIO((tmp_path / "flows.csv").read_text("utf-8"))))
    rounded = [row["amount"] for row in read if row["rounded"] == "true"]
    assert rounded
    assert all(len(amount.rstrip("0")) <= 2 for amount in rounded)
    assert sorted(int(row["amount"]) for row in read) == sorted(rows_of(page).values())


def test_all_can_be_done_by_keys(working: Any) -> None:
    for _ in range(40):
        working.keyboard.press("Tab")
        if working.evaluate("document.activeElement.id") == "figure":
            break
    assert working.evaluate("document.activeElement.id") == "figure"
    working.keyboard.press("ArrowRight")
    assert "subject" in told(working)
    first = told(working)
    working.keyboard.press("ArrowRight")
    second = told(working)
    assert second != first
    working.keyboard.press("ArrowLeft")
    assert "pays" in told(working)
    for key in ("ArrowUp", "ArrowDown", "+", "-", "0"):
        working.keyboard.press(key)
    working.keyboard.press("Enter")
    assert working.evaluate("document.activeElement.id") == "details"
    working.keyboard.press("Escape")
    assert working.locator("#details").is_hidden()
    assert working.evaluate("document.activeElement.id") == "figure"
    before = count(working)
    find(working, "kelp")
    working.keyboard.press("Space")
    assert count(working)[0] > before[0]
    working.keyboard.press("Control+Z")
    assert count(working) == before


def test_the_table_says_the_same_as_the_figure(working: Any) -> None:
    assert len(rows_of(working)) == count(working)[1]
    heads = working.locator("#table th[scope=col]").all_inner_texts()
    assert heads[:6] == ["from", "role", "to", "role", "amount", "payments"]
    working.locator("#table tr[data-flow] button").first.click()
    assert working.evaluate("document.activeElement.id") == "details"
    assert "Transactions" in details(working)


def test_what_was_withheld_is_said(disclosure: Any) -> None:
    assert "masked" in disclosure.locator("#edition").inner_text()
    span = disclosure.locator("#span").inner_text()
    assert "withholds" in span
    assert "All payments" not in span, "some have no time here"
    assert not re.search(r"(\d{4}-\d\d-\d\d) to \1", span)
    find(disclosure, "harbour")
    disclosure.locator("#details .link").first.click()
    assert "withheld" in details(disclosure)
    assert re.search(r"Amount\s+≈ [\d.]+ rBTC", details(disclosure))
    assert seen(disclosure)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (800, 600)])
def test_nothing_stands_outside_the_page(
    opened: Any, editions: Any, width: int, height: int, tmp_path: Path
) -> None:
    page = opened(editions["working"], width=width, height=height)
    page.locator("body[data-drawn]").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.scrollHeight") <= height
    assert page.locator("#figure").bounding_box()["height"] >= 120
    page.screenshot(path=tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 10_000
