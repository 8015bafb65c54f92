"""Statements of exchanges and analysts: notes and tags, and never a payment of the chain."""

from __future__ import annotations

from pathlib import Path

import pytest

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.attribution.statements.mapping import StatementMapping
from chainwatch.errors import TagError

BTC = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
ETH = "0x00000000000000000000000000000000000000b2"
TRON = canonical.text(b"\x11" + bytes([7]) * 20, "tron")
HASH = "ab" * 32
BINANCE = "Date(UTC),Coin,Network,Amount,TransactionFee,Address,TXID,SourceAddress,PaymentID,Status"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "statement.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_withdrawals_are_notes_and_tag_nobody(tmp_path: Path) -> None:
    path = written(
        tmp_path, BINANCE,
        f"2023-05-01 10:00:00,USDT,TRX,\"1,000.5\",1,{TRON},{HASH},,,Completed",
        f"2023-05-01 11:00:00,BTC,BTC,0.1,0,{BTC},,,,=HYPERLINK(1)",
    )  # fmt: skip
    with pytest.raises(TagError, match="nothing says which"):
        cw.read_statement(path)
    found = cw.read_statement(path, way="withdrawal")
    assert found.kind == "Binance deposits or withdrawals"
    assert found.frame["amount"].to_list() == ["1,000.5", "0.1"]
    assert found.frame["direction"].to_list() == ["withdrawal", "withdrawal"]
    assert found.frame["txid"].to_list() == [bytes.fromhex(HASH), None]
    assert found.frame["address"][0] == canonical.parse(TRON, "tron")
    assert len(found.tags) == 0
    assert "2 notes, 0 tags" in repr(found)


def test_another_exchange(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "UID,Account Type,Time(UTC),Remarks,Status,Fee,Amount,Coin,Transfer Network,"
        "Withdrawal Address/Account,Hash",
        f"77,main,2024-01-02 10:00:00,,success,0.1,0.5,BTC,Bitcoin,{BTC},{HASH}",
    )
    found = cw.read_statement(path)
    assert (found.kind, found.frame["customer"][0]) == ("KuCoin withdrawals", "77")
    with pytest.raises(TagError, match="that of KuCoin withdrawals"):
        cw.read_statement(path, way="deposit")


MAPPING = """
source = "Exchange X, production of 3 May 2026"
address = "Address"
asset = "Coin"
network = "Chain"
networks = { "Tron network" = "tron" }
txid = "Hash"
customer = "User"
direction = "Type"
tag = "deposit address at Exchange X"
tag_way = "deposit"
actor = "exchange_x"
concept = "deposit_wallet"
confidence = "service_data"
"""


def test_a_production_with_a_mapping_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(MAPPING)
    path = written(
        tmp_path, "User,Type,Coin,Chain,Address,Hash",
        f"7,deposit,USDT,Tron network,{TRON},{HASH}", f"7,withdrawal,ETH,ETH,{ETH},",
        "7,deposit,XMR,Monero,4xyz,", f"7,deposit,BTC,BTC,{BTC[:-1]},",
    )  # fmt: skip
    found = cw.read_statement(path, tmp_path / "x.toml")
    assert found.frame.height == 2
    tag = found.tags.frame.row(0, named=True)
    assert (len(found.tags), tag["actor"], tag["concept"]) == (1, "exchange_x", "deposit_wallet")
    assert tag["address"] == canonical.parse(TRON, "tron")
    assert found.rejected["position"].to_list() == ["line 4", "line 5"]
    assert "not supported" in found.rejected["reason"][0]


def test_a_list_of_an_analysts_tool(tmp_path: Path) -> None:
    path = written(
        tmp_path, "Address,Name,Category,Asset", f"{BTC},Some Market,darknet market,BTC",
        f"{ETH},\u202eevil,<b>unheard</b>,ETH",
    )  # fmt: skip
    mapping = StatementMapping.of({
        "source": "a tool's export", "address": "Address", "asset": "Asset", "label": "Name",
        "category": "Category", "concepts": {"darknet market": "market"},
    })  # fmt: skip
    tags = cw.read_statement(path, mapping).tags
    assert sorted(tags.frame["concept"].to_list(), key=str) == [None, "market"]
    assert set(tags.frame["context"]) == {"darknet market", "<b>unheard</b>"}
    assert "\u202e" not in str(tags.plain())


def test_graphsense_tags_are_read_as_tags(tmp_path: Path) -> None:
    path = written(
        tmp_path, "address,label,currency,source,category,confidence",
        f"{BTC},A service,BTC,https://example.org,exchange,web_crawl",
    )  # fmt: skip
    mapping = StatementMapping.of({
        "source": "an instance of GraphSense", "address": "address", "asset": "currency",
        "label": "label", "category": "category", "concepts": {"exchange": "exchange"},
    })  # fmt: skip
    frame = cw.read_statement(path, mapping).tags.frame
    assert frame["concept"].to_list() == ["exchange"]


def test_what_is_no_known_export_asks_for_a_mapping(tmp_path: Path) -> None:
    with pytest.raises(TagError, match="of no export that is known; it has 'a', 'b'"):
        cw.read_statement(written(tmp_path, "a,b", "1,2"))
    with pytest.raises(TagError, match="no columns 'Address'"):
        cw.read_statement(
            written(tmp_path, "a,b", "1,2"),
            StatementMapping.of({"source": "x", "address": "Address", "chain": "btc"}),
        )


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"adress": "x"}, "adress"), ({"concept": "no_such"}, "concept"),
        ({"chain": "nochain"}, "chain"), ({"chain": None}, "give the chain"),
        ({"way": "deposit", "direction": "d"}, "not both"), ({"confidence": "sure"}, "confidence"),
    ],
)  # fmt: skip
def test_a_mapping_that_does_not_fit(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(TagError, match=told):
        StatementMapping.of({"source": "x", "address": "a", "chain": "btc"} | wrong)


def test_deposit_addresses_of_one_customer_are_pairs_and_rest_on_no_transaction(
    tmp_path: Path,
) -> None:
    (tmp_path / "x.toml").write_text(MAPPING)
    path = written(
        tmp_path, "User,Type,Coin,Chain,Address,Hash",
        f"7,deposit,USDT,Tron network,{TRON},{HASH}", f"7,deposit,BTC,BTC,{BTC},",
        f"7,withdrawal,ETH,ETH,{ETH},", f"8,deposit,ETH,ETH,{ETH},",
    )  # fmt: skip
    found = cw.read_statement(path, tmp_path / "x.toml")
    ends = sorted([
        ("bip122:000000000019d6689c085ae165831e93", canonical.parse(BTC, "btc")),
        ("tron:0x2b6653dc", canonical.parse(TRON, "tron")),
    ])  # fmt: skip
    assert found.pairs() == [(*ends[0], *ends[1])]
    links = cw.stated_links(found.pairs(), rule="production")
    assert links.frame["tx"].null_count() == links.frame.height == 1
    assert links.frame["rule"].to_list() == ["production"]


def test_a_statement_makes_no_row_of_the_chain() -> None:
    """It has tables of its own: notes, tags, and what was not taken."""
    from chainwatch.attribution.statements.statement import Statement
    from chainwatch.results.table import Rows

    recorded = Path(__file__).parents[2] / "recorded" / "statement_kucoin.csv"
    found: dict[str, Rows] = {**Statement.tables(cw.read_statement(recorded))}
    assert set(found) == {"notes", "tags", "rejected"}


def test_a_network_that_is_not_understood_is_no_other(tmp_path: Path) -> None:
    path = written(tmp_path, "A,N", f"{ETH},BSC", f"{ETH},Ethereum", f"{ETH},")
    for networks in ({"Ethereum": "eth"}, {}):
        mapping = StatementMapping.of({
            "source": "x", "address": "A", "network": "N", "chain": "eth", "tag": "t",
            "networks": networks,
        })  # fmt: skip
        found = cw.read_statement(path, mapping)
        assert found.frame["line"].to_list() == ([3, 4] if networks else [4])
        assert "'BSC' is not supported" in found.rejected["reason"][0]


def test_the_way_in_any_capitals_and_what_is_none_is_told(tmp_path: Path) -> None:
    path = written(
        tmp_path, "A,D", f"{ETH},Deposit", f"{ETH},DEPOSIT ", f"{ETH},Withdrawal", f"{ETH},In"
    )
    mapping = StatementMapping.of({
        "source": "x", "address": "A", "direction": "D", "chain": "eth", "tag": "t",
        "tag_way": "deposit",
    })  # fmt: skip
    found = cw.read_statement(path, mapping)
    assert found.frame["direction"].to_list() == ["deposit", "deposit", "withdrawal", "In"]
    assert len(found.tags) == 1
    assert found.rejected["reason"].to_list() == [
        "no tag: its direction 'In' is none of deposit and withdrawal"
    ]
