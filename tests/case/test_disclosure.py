"""What leaves the desk names nobody who is masked: every byte is searched, every table joined."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest
from pypdf import PdfReader

import chainwatch as cw
from chainwatch.addresses.canonical import text as written
from chainwatch.addresses.canonical import txid_text
from chainwatch.case.recipes.run import run_case
from chainwatch.ledger.ledger import open_ledger
from chainwatch.privacy.edition import FEWEST
from chainwatch.privacy.leaks.artefacts import pieces
from chainwatch.privacy.leaks.forms import Needle
from chainwatch.privacy.leaks.pdf import pdf_parts
from chainwatch.privacy.leaks.search import Search

PSEUDONYM = re.compile(r"masked-[a-z2-7]{10}")


def found_in(folder: Path, words: Iterable[bytes]) -> set[bytes]:
    """Return the words that stand anywhere in the files of a folder, in any case of letters."""
    named = {word.decode(): word for word in words}
    search = Search(
        Needle(word.lower(), "a word", "text", name, folded=True) for name, word in named.items()
    )
    return {
        named[needle.who] for piece in pieces(folder) for needle, _ in search.in_bytes(piece.data)
    }


def masked_addresses(case: Path) -> dict[str, str]:
    annex = pl.read_csv(case / "annex" / "pseudonyms.csv", infer_schema_length=0)
    return dict(annex.select("address", "chain").iter_rows())


def cells(folder: Path) -> Iterator[tuple[str, dict[str, str | None]]]:
    for path in sorted((folder / "tables").glob("*.csv")):
        for row in pl.read_csv(path, infer_schema_length=0).iter_rows(named=True):
            yield path.stem, row


PARTY = ("address", "a", "b", "source", "target", "subject", "counterparty", "sender", "receiver")


def withheld_ids(case: Path, masked: dict[str, str]) -> set[str]:
    """Return the ids that stand beside a masked party anywhere in the working edition."""
    return {
        str(row["txid"])
        for _, row in cells(case / "working")
        if row.get("txid") and any(row.get(name) in masked for name in (*PARTY, "paid_by"))
    }


def looks(folder: Path) -> dict[str, Counter[tuple[str, ...]]]:
    """Return for each pseudonym the rows in which it stands, itself and others made nameless."""
    found: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    rows = [(table, list(map(str, row.values()))) for table, row in cells(folder)]
    rows += [("graph", list(edge)) for edge in edges(folder)]
    for table, row in rows:
        for name in {item for cell in row for item in PSEUDONYM.findall(cell)}:
            said = [PSEUDONYM.sub("other", cell.replace(name, "itself")) for cell in row]
            found[name][table, *said] += 1
    return found


def edges(folder: Path) -> Iterator[tuple[str, ...]]:
    for path in sorted((folder / "graph").glob("*.graphml")):
        for edge in ElementTree.parse(path).iter("{http://graphml.graphdrawing.org/xmlns}edge"):  # noqa: S314 - our own file
            values = [f"{item.get('key')}={item.text}" for item in edge]
            yield (str(edge.get("source")), str(edge.get("target")), *values)


def on_the_way(folder: Path) -> set[str]:
    return {str(row["source"]) for table, row in cells(folder) if table == "steps"} | {
        source for source, *_ in edges(folder)
    }


def crowds(folder: Path) -> list[int]:
    """Return how many pseudonyms read like each one that does not stand on a route."""
    way = on_the_way(folder)
    by_look = Counter(frozenset(rows.items()) for rows in looks(folder).values())
    return [
        by_look[frozenset(rows.items())] for name, rows in looks(folder).items() if name not in way
    ]


def coarse(amount: int) -> int:
    size = 10 ** (len(str(amount)) - 1)
    return (amount + size // 2) // size * size


def candidates(case: Path) -> list[int]:
    """Attack the list of payments: how many addresses of the public chain fit each pseudonym?

    The working edition's payments are what the chain shows of the subjects. The attacker rounds
    them as the disclosure edition does and compares all payments of each address.
    """
    chain: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    told: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for edition, into in (("working", chain), ("disclosure", told)):
        rows = pl.read_csv(case / edition / "tables" / "payments.csv", infer_schema_length=0)
        for row in rows.filter(pl.col("time").is_not_null()).iter_rows(named=True):
            key = (row["subject"], row["direction"], row["time"][:7], coarse(int(row["amount"])))
            into[row["counterparty"]][key] += 1
    fits = Counter(frozenset(rows.items()) for rows in chain.values())
    return [
        fits[frozenset(rows.items())] for name, rows in told.items() if PSEUDONYM.fullmatch(name)
    ]


def test_otter_names_nobody_who_is_masked(demo_case) -> None:
    found = cw.leaks(demo_case.folder)
    assert found.clean, found
    assert found.searched.filter(kind="masked address")["number"][0] > 500


def test_the_search_finds_what_is_there(demo_case) -> None:
    case = demo_case.folder
    found = cw.leaks(case / "working", working=case / "working", annex=case / "annex").frame
    elsewhere = found.filter(~pl.col("file").str.starts_with("masked/"))
    whose = set(elsewhere.filter(kind="masked address")["who"])
    assert whose == set(pl.read_csv(case / "annex" / "pseudonyms.csv")["pseudonym"])
    assert len(whose) > 300
    assert elsewhere.filter(kind="withheld transaction")["who"].n_unique() > 100
    kinds = {Path(name).suffix for name in elsewhere["file"]}
    assert kinds >= {".csv", ".parquet", ".html", ".pdf", ".graphml"}


def test_the_working_edition_alone_lists_whom_the_disclosure_masks(demo_case) -> None:
    case = demo_case.folder
    assert not (case / "disclosure" / "masked").exists()
    listed = pl.read_csv(case / "working" / "masked" / "masked_parties.csv")
    assert set(listed["address"]) >= set(masked_addresses(case))
    shown = {cell for _, row in cells(case / "disclosure") for name, cell in row.items()
             if name in PARTY}  # fmt: skip
    assert not shown & set(listed["address"])


def test_the_text_of_a_pdf_is_read_as_another_reader_reads_it(demo_case) -> None:
    path = demo_case.folder / "working" / "report.pdf"
    pages = PdfReader(path).pages
    words = {word for page in pages for word in page.extract_text().split() if len(word) > 16}
    assert len(words) > 50
    found = b"\n".join(part.data for part in pdf_parts(path.read_bytes(), 1 << 28))
    assert {word for word in words if word.encode() not in found} == set()


def test_a_planted_leak_fails_the_search(demo_case, tmp_path: Path) -> None:
    case = demo_case.folder
    given = {"working": case / "working", "annex": case / "annex"}
    masked = next(iter(masked_addresses(case)))
    for name in ("report.html", "manifest.json"):
        page = (case / "disclosure" / name).read_text("utf-8")
        (tmp_path / name).write_text(page.replace("Otter", masked, 1), "utf-8")
    found = cw.leaks(tmp_path, **given)
    assert set(found.frame["file"]) == {"report.html", "manifest.json"}
    assert found.frame["who"].n_unique() == 1
    assert masked not in repr(found)


def tagged_strangers(case: Path) -> set[bytes]:
    """Return addresses and labels that tags of the case give to masked parties alone."""
    masked = masked_addresses(case)
    tagged = [row for table, row in cells(case / "working") if table == "tags"]
    known = {row["label"] for row in tagged if row["address"] not in masked}
    rows = [row for row in tagged if row["address"] in masked]
    assert {row["concept"] for row in rows} == {"vendor", "drugs"}
    named = {str(row["label"]).encode() for row in rows if row["label"] not in known}
    return named | {str(row["address"]).encode() for row in rows}


def test_otter_names_no_tagged_person_whom_the_money_does_not_meet(demo_case) -> None:
    needles = tagged_strangers(demo_case.folder)
    assert b"Reed (vendor at Otter)" in needles
    assert found_in(demo_case.folder / "working", needles) == needles
    assert found_in(demo_case.folder / "disclosure", needles) == set()
    told = [
        row["label"] for table, row in cells(demo_case.folder / "disclosure") if table == "tags"
    ]
    assert {"Kelp (vendor at Otter)", "Lantern campaign", "Harbour hot wallet"} <= set(told)


def test_the_search_finds_a_tagged_person_who_is_shown(
    demo_case, tmp_path: Path, monkeypatch
) -> None:
    """A planted leak: roles by tags alone, whomever the money of the subject meets."""
    needles = tagged_strangers(demo_case.folder)
    monkeypatch.setattr("chainwatch.privacy.roles._of_the_case", lambda results, said: said)
    data = demo_case.folder / "data"
    run_case(data / "case.toml", tmp_path / "planted", data=data)
    assert found_in(tmp_path / "planted" / "disclosure", needles) == needles


def test_otter_pseudonyms_stand_on_routes_or_in_a_crowd(demo_case) -> None:
    disclosure = demo_case.folder / "disclosure"
    assert all(size >= FEWEST for size in crowds(disclosure))
    # The number that docs/limits.md states: on a route a pseudonym can be found again.
    assert len(set(looks(disclosure)) & on_the_way(disclosure)) == 9
    assert crowds(disclosure) == []


def test_strangers_links_are_left_out_and_counted(demo_case) -> None:
    masked = set(masked_addresses(demo_case.folder))
    manifest = json.loads((demo_case.folder / "disclosure" / "manifest.json").read_text())
    for name in ("links", "clusters", "forest", "hosted"):
        whole = pl.read_csv(demo_case.folder / "working" / "tables" / f"{name}.csv")
        ours = [
            row for row in whole.iter_rows(named=True)
            if any(row.get(key) and row[key] not in masked for key in (*PARTY, "cluster"))
        ]  # fmt: skip
        assert manifest["rows_left_out"][name] == whole.height - len(ours) > 0


def test_exact_rows_cannot_be_joined_with_rounded_ones(demo_case) -> None:
    masked = masked_addresses(demo_case.folder)
    ids = withheld_ids(demo_case.folder, masked)
    working = [
        (table, row) for table, row in cells(demo_case.folder / "working")
        if row.get("txid") in ids and row.get("time") and row.get("amount")
    ]  # fmt: skip
    exact = {
        (table, row["time"], row["amount"])
        for table, row in cells(demo_case.folder / "disclosure")
        if row.get("time") and row.get("amount")
    }
    assert working
    assert not [row for table, row in working if (table, row["time"], row["amount"]) in exact]


def test_flow_figures_tell_no_times(demo_case) -> None:
    graph = (demo_case.folder / "disclosure" / "graph" / "flow.graphml").read_text()
    assert '"first"' in (demo_case.folder / "working" / "graph" / "flow.graphml").read_text()
    assert '"first"' not in graph
    assert not re.search(r"20\d\d-\d\d-\d\dT", graph)


def test_tron_names_nobody_who_is_masked(tron_case) -> None:
    found = cw.leaks(tron_case.folder)
    assert found.clean, found
    assert len(masked_addresses(tron_case.folder)) > 800


def test_tron_pseudonyms_cannot_be_told_apart(tron_case) -> None:
    disclosure = tron_case.folder / "disclosure"
    assert min(crowds(disclosure)) >= FEWEST
    fits = candidates(tron_case.folder)
    # The numbers that docs/limits.md states.
    assert len(fits) == 142
    assert min(fits) >= FEWEST


def test_tron_attack_works_on_pseudonyms_that_are_not_pooled(tron_case, monkeypatch) -> None:
    out = tron_case.folder.with_name("unpooled")
    monkeypatch.setattr("chainwatch.privacy.masked_view.singled_out", lambda *_: frozenset())
    monkeypatch.setattr(tron_case.case, "views", {})
    tron_case.case.write(out / "disclosure")
    shutil.copytree(tron_case.folder / "working", out / "working")
    fits = candidates(out)
    assert len(fits) > 700
    assert sum(count == 1 for count in fits) > 300


def test_otter_ids_are_of_nobody_who_is_masked(demo_case) -> None:
    """Change goes to somebody whom no row of the transaction names: the ledger knows."""
    masked = set(masked_addresses(demo_case.folder))
    ledger = open_ledger(demo_case.folder / "ledger")
    chain = pl.read_csv(demo_case.folder / "annex" / "pseudonyms.csv")["chain"][0]
    ids = ledger.transactions.select("tx", "txid").collect()
    sides = pl.concat(
        [side.select("tx", "address").collect() for side in (ledger.inputs, ledger.outputs)]
    ).join(ids, on="tx")
    theirs = {
        txid_text(txid, chain)
        for txid, address in sides.drop_nulls().select("txid", "address").iter_rows()
        if written(address, chain) in masked
    }
    told = {str(row["txid"]) for _, row in cells(demo_case.folder / "disclosure") if "txid" in row}
    assert theirs
    assert told & {txid_text(txid, chain) for txid in ids["txid"]}
    assert not told & theirs


FIRST = 1 << 24
"""The least number of a transaction behind the first block: smaller ones are other things too."""


def test_otter_numbers_lead_to_no_transaction_that_is_withheld(demo_case) -> None:
    """The number of a transaction names it as surely as its id: also that of another row's."""
    working, shown = (list(cells(demo_case.folder / name)) for name in ("working", "disclosure"))
    ids = open_ledger(demo_case.folder / "ledger").transactions.select("tx", "txid", "chain")
    told = {str(row["txid"]) for _, row in shown if row.get("txid")}
    withheld = {
        str(tx)
        for tx, txid, chain in ids.collect().rows()
        if tx >= FIRST and txid_text(txid, chain) not in told
    }

    def leads(rows: list[tuple[str, dict[str, str | None]]]) -> set[tuple[str, str]]:
        return {
            (table, name) for table, row in rows for name, cell in row.items() if cell in withheld
        }

    assert {("steps", "source_tx"), ("steps", "tx")} <= leads(working)
    assert leads(shown) == set()


def test_otter_ids_are_of_nobody_whom_no_table_names(demo_case) -> None:
    """A buyer who pays a subject stands in no table as the payer of a coin: the ledger knows."""
    ledger = open_ledger(demo_case.folder / "ledger")
    rows = [row for _, row in cells(demo_case.folder / "disclosure")]
    shown = {cell for row in rows for name, cell in row.items() if name in PARTY}
    ids = ledger.transactions.select("tx", "txid", "chain").collect()
    sides = pl.concat(
        [side.select("tx", "address").collect() for side in (ledger.inputs, ledger.outputs)]
    ).join(ids, on="tx")
    theirs = {
        txid_text(txid, chain)
        for txid, chain, address in sides.drop_nulls().select("txid", "chain", "address").rows()
        if written(address, chain) not in shown
    }
    told = {str(row["txid"]) for row in rows if row.get("txid")}
    assert theirs
    assert not told & theirs


def crowds_of_the_masked(case: Path) -> list[int]:
    """Attack the rows that say ``masked``: how many addresses of the chain fit each of them?

    The attacker looks for payments of the same subject and direction that are not of anybody shown,
    of the same month and rounded amount where the row gives them, and for sums of several.
    """
    masked = masked_addresses(case)
    payments = [row for table, row in cells(case / "working") if table == "payments"]
    chain = [row for row in payments if row["counterparty"] in masked]
    found = []
    for table, row in cells(case / "disclosure"):
        if table != "payments" or row["counterparty"] != "masked":
            continue
        one = [
            item for item in chain
            if item["direction"] == row["direction"]
            and row["subject"] in (item["subject"], "several")
            and str(item["time"]).startswith(row["time"] or "")
        ]  # fmt: skip
        exact = row["rounded"] == "false"
        if not row["summed"]:
            one = [item for item in one if coarse(int(item["amount"])) == int(row["amount"])]
        else:
            # Rows of whoever has a pseudonym are part of the chain's sum and not of this one.
            assert not exact or sum(int(item["amount"]) for item in one) >= int(row["amount"])
        found.append(len({item["counterparty"] for item in one}))
    return found


def test_tron_rows_of_the_masked_hide_among_five(tron_case) -> None:
    found = crowds_of_the_masked(tron_case.folder)
    # The numbers that docs/limits.md states.
    assert len(found) == 20
    assert min(found) >= FEWEST


def test_tron_attack_works_on_rows_that_are_listed(tron_case, monkeypatch) -> None:
    out = tron_case.folder.with_name("listed")
    monkeypatch.setattr("chainwatch.privacy.mask_rows.POOLED", "nobody")
    monkeypatch.setattr(tron_case.case, "views", {})
    tron_case.case.write(out / "disclosure")
    shutil.copytree(tron_case.folder / "working", out / "working")
    shutil.copytree(tron_case.folder / "annex", out / "annex")
    found = crowds_of_the_masked(out)
    assert len(found) > 2000
    assert sum(count == 1 for count in found) > 700


@pytest.mark.parametrize("case", ["demo_case", "tron_case"])
def test_no_row_of_the_masked_is_listed_by_itself(case: str, request) -> None:
    folder = request.getfixturevalue(case).folder / "disclosure"
    rows = [row for _, row in cells(folder) if "masked" in row.values()]
    assert rows
    assert all(row["summed"] for row in rows)
    assert not [row for row in rows if row.get("txid") not in (None, "", "withheld")]


GROUPED = ("month", "subject", "direction", "service")


def test_tron_groups_of_few_are_rounded(tron_case) -> None:
    masked = masked_addresses(tron_case.folder)
    payments = [row for table, row in cells(tron_case.folder / "working") if table == "payments"]
    rounded = 0
    for table, row in cells(tron_case.folder / "disclosure"):
        if not table.startswith(("counterparties_by_", "after_")):
            continue
        start = table.removeprefix("after_").replace("_", "-") if table < "b" else ""
        behind = {
            item["counterparty"] for item in payments
            if item["counterparty"] in masked and str(item["time"]) >= start
            and all(
                row[name] == {**item, "month": item["time"][:7]}[name]
                or (name == "service" and row[name] == "untagged" and not item[name])
                for name in GROUPED if name in row
            )
        }  # fmt: skip
        few = 0 < len(behind) < FEWEST
        rounded += few
        assert not few or row["rounded"] == "true", (table, row)
        if few:
            assert int(row["amount"]) == coarse(int(row["amount"]))
    # The number that docs/limits.md states.
    assert rounded == 15


@pytest.mark.parametrize("case", ["demo_case", "tron_case"])
def test_hosted_ends_are_no_sharper_than_origins(case: str, request) -> None:
    folder = request.getfixturevalue(case).folder / "disclosure" / "tables"
    origins = pl.read_csv(folder / "origins.csv", infer_schema_length=0)
    ends = pl.read_csv(folder / "ends.csv", infer_schema_length=0)
    sharp = ends.filter(pl.col("time").str.len_chars() > len("2022-01"))
    dull = origins.filter((pl.col("rounded") == "true") | pl.col("summed").is_not_null())
    assert dull.height
    # An exact end may only be of an exact origin or step: same id, never one that is withheld.
    assert "withheld" not in sharp["txid"].to_list()
    assert not set(sharp["txid"]) & set(dull["txid"])
