"""``run_case``: the real case and the made-up one from their files to sealed folders."""

from __future__ import annotations

import hashlib
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from case_texts import USDT, token_case

from chainwatch.case.ends import limits_of
from chainwatch.case.file.follow_keys import Follow
from chainwatch.case.recipes import run as module
from chainwatch.case.recipes.run import README_FILE, run_case
from chainwatch.case.seal import verify
from chainwatch.errors import CaseError, ChainwatchError, InputError, OutputExists, TraceError
from chainwatch.figures.flow_figure import FlowFigure
from chainwatch.privacy.mask_key import read_mask_key
from chainwatch.privacy.session import on_desk
from chainwatch.tracing.result import Trace

SUBJECT = "TXRBsytHfJDoAKRdcedgLsoHudh1xJGUdC"
HOT = "TBA6CypYJizwA9XdC7Ubgc5F1bxrQ7SqPt"
OTHERS = ["TETZBHSy22wSaufVE1GhNBiDdTYGBJ6aZk", "TGBYT9Kfs7Za2yWf2TCka5kZq942tKPUAq"]
HEAD = "tx,time,from,to,from_tag,to_tag,quant,token,symbol,decimals,wallet\n"

TAGS = """section = "wallet"
[sources.mapping.tags]
sender = "from_tag"
receiver = "to_tag"
source = "the file"
concept = "exchange"
"""
CASE = token_case(SUBJECT, question="Who holds the address?", path="transfers.csv", mapping=TAGS)


def transfer(number: int, sender: str, receiver: str, amount: object, tag: str = "") -> str:
    txid = hashlib.sha256(str(number).encode()).hexdigest()
    time = 1_640_000_000_000 + number * 1_000
    return f"{txid},{time},{sender},{receiver},,{tag},{amount},{USDT},USDT,6,{SUBJECT}\n"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CHAINWATCH_DATA", raising=False)
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [transfer(1, OTHERS[0], SUBJECT, 5_000_000), transfer(2, OTHERS[1], SUBJECT, 2_000_000)]
    rows.append(transfer(3, SUBJECT, HOT, 4_000_000, "Exchange 1"))
    rows.append(transfer(4, SUBJECT, HOT, 3_000_000, "Exchange 1"))
    (folder / "transfers.csv").write_text(HEAD + "".join(rows))
    (folder / "small.toml").write_text(CASE)
    return folder


def test_a_small_case(small: Path, tmp_path: Path) -> None:
    said: list[str] = []
    report = run_case(small / "small.toml", tmp_path / "a" / "out", say=said.append)
    assert report.folder == tmp_path / "a" / "out"
    assert sorted(item.name for item in report.folder.iterdir()) == [
        README_FILE, "annex", "disclosure", "ledger", "rerun"
    ]  # fmt: skip
    assert verify(report.editions["disclosure"]).entries > 5
    assert said == [
        "reading transfers.csv",
        "checking what was read",
        "judging who holds the keys",
        "following 1 subject",
        "following under every policy",
        "looking who stands beside",
        "writing the disclosure edition",
    ]
    assert repr(report) == "RunReport('small': disclosure in out)"
    headlines = [getattr(result, "headline", "") for result, _ in report.case.results]
    told = (
        "1 of 1 listed address pays one service alone in enough payments to judge; 0 are"
        " consistent with deposit addresses; of 1 (1 at Exchange 1; they received 7 USDT) custody"
        " is undecided."
    )
    assert told in map(str, headlines)


def test_the_graph_is_drawn_where_it_is_asked_for_and_each_figure_says_its_data(
    small: Path, tmp_path: Path
) -> None:
    asked = '[follow]\ngraph = true\n[[traces]]\ncustody = "none"\ngraph = true\n'
    (small / "graph.toml").write_text(CASE + asked)
    report = run_case(small / "graph.toml", tmp_path / "graph")
    drawn = {path.name for path in (report.folder / "disclosure" / "figures").glob("flow*.svg")}
    assert len(drawn) == 4
    assert len({name for name in drawn if "graph" in name}) == 2
    of_flows = [one for one, _ in report.case.results if isinstance(one, FlowFigure)]
    assert all("Data: tron, read from a small file, " in one.caption() for one in of_flows)


def test_an_end_by_custody_is_opened_with_a_reason(small: Path, tmp_path: Path) -> None:
    ended = run_case(small / "small.toml", tmp_path / "ended")
    said = report_text(ended.folder / "disclosure")
    assert "one-destination wallet, custody undecided" in said
    (drawn,) = [one for one, _ in ended.case.results if isinstance(one, FlowFigure)]
    names = {one.label: one.role for one in drawn.shown(on_desk({})).key()}
    assert names["pays Exchange 1 alone (custody undecided)"] == "custody undecided"
    assert "pays Exchange 1 alone (custody undecided)" in said
    more = f'[[follow.opened]]\naddress = "{SUBJECT}"\nwhy = "its holder told of it"\n'
    (small / "open.toml").write_text(CASE + more)
    report = run_case(small / "open.toml", tmp_path / "opened")
    said = report_text(report.folder / "disclosure")
    assert "1 such end was opened by a person: following goes on behind." in said
    assert "so that following goes on behind: its holder told of it." in said
    followed = next(one for one, _ in report.case.results if isinstance(one, Trace))
    assert set(followed.ends["reason"]) == {"hosted service"}
    (small / "other.toml").write_text(CASE + more.replace(SUBJECT, OTHERS[0]))
    with pytest.raises(TraceError, match="is none of the 1 addresses"):
        run_case(small / "other.toml", tmp_path / "other")


def test_a_case_asks_for_wallets_by_role_and_opens_one(small: Path, tmp_path: Path) -> None:
    roles = '[follow]\ncustody = "roles"\n'
    (small / "roles.toml").write_text(CASE + roles)
    ended = run_case(small / "roles.toml", tmp_path / "ended")
    said = report_text(ended.folder / "disclosure")
    assert "Wallets of services by role" in said
    assert "one-destination wallet, custody undecided" in said
    opened = f'[[follow.opened]]\naddress = "{SUBJECT}"\nwhy = "its holder told of it"\n'
    (small / "open.toml").write_text(CASE + roles + opened)
    report = run_case(small / "open.toml", tmp_path / "opened")
    followed = next(one for one, _ in report.case.results if isinstance(one, Trace))
    assert set(followed.ends["reason"]) == {"hosted service"}
    assert followed.asked.opened == 1
    assert (report.folder / "disclosure" / "tables" / "roles.csv").is_file()


def test_a_case_follows_up_to_an_age(small: Path, tmp_path: Path) -> None:
    assert limits_of(Follow(max_age=2, max_hops=3, min_amount=4)) == {
        "max_hops": 3, "max_age": timedelta(days=2), "min_amount": 4,
    }  # fmt: skip
    assert limits_of(Follow())["max_age"] is None
    (small / "age.toml").write_text(f"{CASE}[follow]\nmax_age = 2\n")
    report = run_case(small / "age.toml", tmp_path / "age")
    followed = next(one for one, _ in report.case.results if isinstance(one, Trace))
    assert followed.limits == ("max_age",)
    (small / "none.toml").write_text(f"{CASE}[follow]\nmax_age = 0\n")
    with pytest.raises(CaseError, match="max_age"):
        run_case(small / "none.toml", tmp_path / "none")


def test_the_editions_of_the_case_file_are_written_and_no_other(
    small: Path, tmp_path: Path
) -> None:
    text = (small / "small.toml").read_text()
    wanted = 'editions = ["working"]\nworking_reason = "a test"\nworking_authority = "a court"\n'
    (small / "work.toml").write_text(text.replace("[case]\n", f"[case]\n{wanted}", 1))
    report = run_case(small / "work.toml", tmp_path / "out")
    assert set(report.editions) == {"working"}
    assert not (tmp_path / "out" / "disclosure").exists()
    log = (tmp_path / "out" / "working" / "log.jsonl").read_text()
    assert '"authority":"a court"' in log
    for lacking in ("working_reason", "working_authority"):
        left = "\n".join(line for line in wanted.splitlines() if lacking not in line) + "\n"
        (small / "lacks.toml").write_text(text.replace("[case]\n", f"[case]\n{left}", 1))
        with pytest.raises(CaseError, match=f"give {lacking}$|give {lacking}"):
            run_case(small / "lacks.toml", tmp_path / "lacks")
    (small / "none.toml").write_text(text.replace("[case]\n", "[case]\neditions = []\n", 1))
    with pytest.raises(CaseError, match="editions"):
        run_case(small / "none.toml", tmp_path / "none")


def test_when_files_were_obtained_is_not_made_up(small: Path, tmp_path: Path) -> None:
    left_open = run_case(small / "small.toml", tmp_path / "one")
    assert dict(left_open.case.basis.facts())["Data acquired"].startswith("not stated; read 20")
    stated = run_case(
        small / "small.toml", tmp_path / "two", acquired=datetime(2024, 1, 1, tzinfo=UTC)
    )
    assert dict(stated.case.basis.facts())["Data acquired"] == "2024-01-01 00:00 UTC"


def test_the_file_of_the_key_writes_the_same_bytes_again(small: Path, tmp_path: Path) -> None:
    acquired = datetime(2024, 1, 1, tzinfo=UTC)
    run_case(small / "small.toml", tmp_path / "one", acquired=acquired)
    key = read_mask_key(tmp_path / "one" / "annex" / "mask_key.txt")
    run_case(small / "small.toml", tmp_path / "two", acquired=acquired, mask_key=key)
    for name in ("manifest.json", "report.pdf", "log.jsonl", "tables/payments.parquet"):
        one, two = ((tmp_path / run / "disclosure" / name).read_bytes() for run in ("one", "two"))
        assert one == two, name


@pytest.mark.parametrize("text", ["", "zz" * 16, "00" * 15, "0" * 33])
def test_what_is_no_key(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(InputError, match="the mask key cannot be read") as caught:
        read_mask_key(tmp_path / "key")
    assert not text or text not in str(caught.value)
    with pytest.raises(InputError, match="the mask key is missing"):
        read_mask_key(tmp_path / "missing")


def test_an_existing_folder(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_case(small / "small.toml", out)
    with pytest.raises(OutputExists, match="--replace"):
        run_case(small / "small.toml", out)
    before = (out / "annex" / "mask_key.txt").read_text()
    run_case(small / "small.toml", out, replace=True)
    assert (out / "annex" / "mask_key.txt").read_text() != before
    (out / "notes.txt").write_text("mine")
    with pytest.raises(OutputExists, match="remove it"):
        run_case(small / "small.toml", out, replace=True)
    assert (out / "notes.txt").read_text() == "mine"


def test_where_the_data_lie_nothing_is_written(small: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(small)
    for out in (".", small, tmp_path, "/", small / "..", small / "x" / ".."):
        with pytest.raises(ChainwatchError) as caught:
            run_case("small.toml", out, replace=True)
        assert isinstance(caught.value, (CaseError, OutputExists)), out
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(CaseError, match="holds the data"):
        run_case("small.toml", tmp_path / "link", replace=True)
    shutil.copytree(small, tmp_path / "elsewhere")
    with pytest.raises(CaseError, match="holds the case file"):
        run_case(small / "small.toml", small, data=tmp_path / "elsewhere", replace=True)
    assert sorted(item.name for item in small.iterdir()) == ["small.toml", "transfers.csv"]


@pytest.mark.parametrize(
    "stage", ["read_sources", "add_account_findings", "_write", "read_tags_fails"]
)
def test_an_error_at_any_stage_keeps_the_earlier_run(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    out = tmp_path / "results" / "out"
    run_case(small / "small.toml", out)
    before = (out / "annex" / "mask_key.txt").read_text()

    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    if stage == "read_tags_fails":
        text = CASE + '\n[[tags]]\npath = "missing.yaml"\n'
        (small / "small.toml").write_text(text)
    else:
        monkeypatch.setattr(module, stage, fail)
    with pytest.raises((KeyboardInterrupt, ChainwatchError)):
        run_case(small / "small.toml", out, replace=True)
    assert [item.name for item in out.parent.iterdir()] == ["out"]
    assert (out / "annex" / "mask_key.txt").read_text() == before
    with pytest.raises((KeyboardInterrupt, ChainwatchError)):
        run_case(small / "small.toml", tmp_path / "deep" / "new")
    assert not (tmp_path / "deep").exists()


def test_subjects_that_are_not_there(small: Path, tmp_path: Path) -> None:
    for old, new, said in (
        (f'addresses = ["{SUBJECT}"]', 'label = "nobody"', "no subject"),
        (f'addresses = ["{SUBJECT}"]', 'csv = "x.csv"\ncolumn = "w"', "cannot be read"),
        (f'addresses = ["{SUBJECT}"]', 'csv = "transfers.csv"\ncolumn = "w"', "no column 'w'"),
        (SUBJECT, SUBJECT[:-1] + "D", SUBJECT[:-1] + "D"),
    ):
        (small / "small.toml").write_text(CASE.replace(old, new))
        with pytest.raises(InputError, match=said):
            run_case(small / "small.toml", tmp_path / "out")
    (small / "small.toml").write_text(CASE[: CASE.index("[asset]")])
    with pytest.raises(CaseError, match=r"no transfer of the coin TRX was read.*TR7NHqjeKQ"):
        run_case(small / "small.toml", tmp_path / "out")


def test_a_victims_tag_names_nobody(small: Path, tmp_path: Path) -> None:
    pack = (
        "title: t\ncreator: c\nsource: https://x.invalid\ncurrency: TRX\nnetwork: tron\n"
        f"lastmod: 2022-01-01\ntags:\n- address: {OTHERS[0]}\n  label: Jane Doe\n"
        "  concepts: [victim]\n"
    )
    (small / "tags.yaml").write_text(pack)
    (small / "small.toml").write_text(CASE + '\n[[tags]]\npath = "tags.yaml"\n')
    report = run_case(small / "small.toml", tmp_path / "out")
    for path in (report.folder / "disclosure").rglob("*"):
        if path.is_file():
            assert b"Jane" not in path.read_bytes(), path
    assert report.case.results[0][0].frame["label"].str.contains("Jane").any()


def test_one_is_no_several(small: Path, tmp_path: Path) -> None:
    path = small / "transfers.csv"
    path.write_text(path.read_text().replace("Exchange 1", ""))
    said = report_text(run_case(small / "small.toml", tmp_path / "out").folder / "disclosure")
    assert "paid ≈ 7 USDT to 1 address: ≈ 7 USDT to 1 other whose history is not read" in said
    assert "The file holds the transfers of 1 address and does not say" in said


def report_text(folder: Path) -> str:
    html = (folder / "report.html").read_text()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_tron_headlines_are_the_totals_of_the_tables(tron_case) -> None:
    said = report_text(tron_case.folder / "disclosure")
    for words in (
        "15 of 20 listed addresses pay one service alone in enough payments to judge; 0 are"
        " consistent with deposit addresses;"
        " of 15 (13 at binance, 1 at huobi, 1 at okex; they received 7,971,447.061765 USDT) custody"
        " is undecided",
        "nothing that was read shows the service&#39;s side, such as one funder of gas for many or"
        " sweeps in one transaction. These ends can be opened.",
        "The other 5 (TJqh7J9MnPMSG6cotxBYUsNdQ6eufk8W32, TPxCncCWLUtRm2ga6NMrPKfumKuQ3zoWXR,"
        " TRWpS2JarmZShhQLTfHafnzkQdNKUh1ozK, TXQyMhsxZfcGqPdi1TAYWJ5bVkcVyR2ye9,"
        " TXRBsytHfJDoAKRdcedgLsoHudh1xJGUdC) paid 2,739,003.860503 USDT to 556 addresses:"
        " 246,696.461638 USDT to 7 listed addresses (wallets that pay binance alone 104,149.999151"
        " USDT, wallets that pay huobi alone 142,546.462487 USDT); 2,500 USDT to 2 tagged or"
        " hosted addresses (binance 2,500 USDT); 2,489,807.398865 USDT to 547 others whose"
        " history is not read.",
        "all 20 listed addresses together: in",
        "191 transfers only look like payments",
        "123 of zero, and 68 trifles",
        "states its target as",
        "Nothing beyond that statement is claimed",
        "consistent with",
        "Open innocent explanations",
    ):
        assert words in said, words
    page = (tron_case.folder / "disclosure" / "report.html").read_text()
    assert page.count("10,463,753.85203 USDT received by 20 subjects") == 1
    assert page.count("is not counted twice: the node of the receiver may show less") == 1
    tables = tron_case.folder / "working" / "tables"
    hosting = pl.read_csv(tables / "hosting.csv").filter(pl.col("service").is_not_null())
    assert hosting.height == 15
    assert hosting["received"].sum() == 7_971_447_061_765
    paid = pl.read_csv(tables / "unhosted_payments.csv")
    assert paid["subject"].n_unique() == 5
    assert paid["counterparty"].n_unique() == 556
    assert paid["amount"].sum() == 2_739_003_860_503
    assert pl.read_csv(tables / "poisoning_attempts.csv").height == 191
    assert pl.read_csv(tables / "ends.csv")["amount"].sum() == 10_463_753_852_030


def test_tron_says_no_more_than_it_knows(tron_case) -> None:
    for edition in ("disclosure", "working"):
        said = report_text(tron_case.folder / edition)
        assert "belongs to" not in said.replace("what belongs to this case", "")
        assert (
            "Not read: where 2,489,806.790265 USDT went on to (of 2,489,807.398865 USDT paid to"
            " others, 0.6086 USDT came from trifles of address poisoning, nobody&#39;s)" in said
        )
        assert (
            "out 1,217,656.243087 USDT, of which 494,747.909028 USDT left addresses that pay one"
            " service alone, custody undecided: if the service holds their keys, that is its own"
            " affair; if not, these payments are their holders&#39; own" in said
        )
        assert (
            "Where custody is undecided there are two readings: if the service holds the keys, the"
            " 15 are a place to pay in" in said
        )
    masked = report_text(tron_case.folder / "disclosure")
    assert "≈ " in masked
    assert "≈ " not in report_text(tron_case.folder / "working").replace("amounts (≈)", "")


def test_tron_balances_are_even_to_the_last_unit(tron_case) -> None:
    tables = tron_case.folder / "disclosure" / "tables"
    rows = pl.read_csv(tables / "hosting.csv")
    assert rows.height == 20
    sums = rows.select(
        came=pl.col("received") + pl.col("trifles"), went=pl.col("paid") + pl.col("held")
    )
    assert sums["came"].to_list() == sums["went"].to_list()
    spent = rows.filter(pl.col("subject") == "TRWpS2JarmZShhQLTfHafnzkQdNKUh1ozK")
    assert spent.select("received", "trifles", "paid").row(0) == (
        509_290_652_379, 608_600, 509_291_260_979
    )  # fmt: skip
    unread = dict(pl.read_csv(tables / "not_read.csv").select("what", "amount").iter_rows())
    followed, paid, trifles = (
        next(amount for what, amount in unread.items() if what.startswith(words))
        for words in (
            "followed to",
            "paid by unhosted subjects to others",
            "paid by unhosted subjects to such",
        )
    )
    assert paid - trifles == followed
    assert trifles == 608_600


def test_the_token_is_the_one_that_was_read(small: Path, tmp_path: Path) -> None:
    other = OTHERS[0]
    (small / "small.toml").write_text(CASE.replace(f'contract = "{USDT}"', f'contract = "{other}"'))
    with pytest.raises(CaseError, match=rf"no transfer of contract {other}.*{USDT} \(USDT, 4 rows"):
        run_case(small / "small.toml", tmp_path / "out")
    (small / "small.toml").write_text(CASE.replace("decimals = 6", "decimals = 18"))
    with pytest.raises(CaseError, match=r"the asset has 18 decimals, and the rows of .* state 6"):
        run_case(small / "small.toml", tmp_path / "out")
    (small / "small.toml").write_text(CASE.replace('symbol = "USDT"', 'symbol = "USDC"'))
    report = run_case(small / "small.toml", tmp_path / "out")
    said = report_text(report.folder / "disclosure")
    assert "The case calls the token &#39;USDC&#39;" in said
    assert "call it &#39;USDT&#39;" in said


def test_subjects_without_a_row_stand_on_page_one(small: Path, tmp_path: Path) -> None:
    silent = "TRWpS2JarmZShhQLTfHafnzkQdNKUh1ozK"
    listed = CASE.replace(f'["{SUBJECT}"]', f'["{SUBJECT}", "{silent}"]')
    (small / "small.toml").write_text(listed)
    report = run_case(small / "small.toml", tmp_path / "out")
    headlines = [getattr(result, "headline", "") for result, _ in report.case.results]
    assert any(line.endswith(" Of 1 of the 2 nothing was read.") for line in headlines)
    assert not any("Of 0" in line for line in headlines)


def test_otter_answers_on_page_one(demo_case) -> None:
    said = report_text(demo_case.folder / "disclosure")
    first = said[: said.index("3 Limits") if "3 Limits" in said else said.index("Limits ")]
    for words in (
        "paid to a wallet that pays nobody but harbour (custody undecided, can be opened)",
        "0.13 rBTC paid to a deposit address at northbank (probable)",
        "0.04 rBTC is consistent with having reached lantern",
        "looks like a CoinJoin",
    ):
        assert words in first, words
    assert "Everything here is simulated" in said
