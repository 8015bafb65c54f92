"""Who sells under several names: keys join where they are held, names and copies never do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainwatch as cw
from chainwatch.addresses import canonical
from chainwatch.errors import InputError, TagError
from chainwatch.results.mask import shown_tables
from chainwatch.triage.identity.keys import contact_of, fingerprint_of, is_full

KEY, OTHER = "0123456789ABCDEF0123456789ABCDEF01234567", "F" * 40
ONE, TWO = (canonical.text(b"\x01" + bytes(19) + bytes([n]), "btc") for n in (1, 2))
HEAD = "market,handle,fingerprint,contact,proven,sales,first_day,chain,address"


def read(tmp_path: Path, *rows: str, **more: Any) -> cw.Profiles:
    path = tmp_path / "profiles.csv"
    path.write_text("\n".join([HEAD, *rows]))
    return cw.read_profiles(path, source="a crawl", **more)


def identities(tmp_path: Path, *rows: str, **more: Any) -> cw.VendorIdentities:
    return cw.vendor_identities(read(tmp_path, *rows), **more)


def links(found: cw.VendorIdentities) -> set[tuple[str, str]]:
    return set(found.links.select("by", "verdict").iter_rows())


def test_a_key_that_both_hold_joins_across_markets(tmp_path: Path) -> None:
    found = identities(
        tmp_path,
        f"Otter,Kelp,{KEY},,yes,,2024-01-01,btc,{ONE}",
        f"Seal,SeaWeed,{KEY.lower()},,,40,2024-02-01,btc,{TWO}",
        f"Seal,Reed,{OTHER},,yes,3,,,",
    )
    assert found.of("Otter", "kelp") == found.of("Seal", "seaweed")
    assert found.of("Seal", "Reed") != found.of("Otter", "Kelp")
    assert links(found) == {("key", "joins")}
    assert found.why(found.of("Otter", "Kelp"))["verdict"].to_list() == ["joins"]
    tags = found.tags()
    assert tags.frame["actor"].n_unique() == 1
    assert tags.frame["concept"].unique().to_list() == ["vendor"]
    assert "2 sellers" in repr(found)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        # A copied public key, a short id, a name and a contact are leads and join nobody.
        ((f"A,kelp,{KEY},,yes,,,,", f"B,weed,{KEY},,,2,,,"), ("key", "lead")),
        ((f"A,kelp,{KEY},,yes,,,,", f"B,weed,{KEY},,no,900,,,"), ("key", "lead")),
        ((f"A,kelp,{KEY[-16:]},,yes,,,,", f"B,weed,{KEY[-16:]},,yes,,,,"), ("key", "lead")),
        (("A,Kelp,,,yes,99,,,", "B,kelp,,,yes,99,,,"), ("handle", "lead")),
        ((f"A,kelp,{KEY},,yes,,,,", f"B,Kelp,{OTHER},,yes,,,,"), ("handle", "lead")),
        (("A,kelp,,telegram:@K,,,,,", "B,weed,,Telegram: k,,,,,"), ("contact", "lead")),
    ],
)
def test_what_anybody_can_copy_is_a_lead(
    tmp_path: Path, rows: tuple[str, ...], told: tuple[str, str]
) -> None:
    found = identities(tmp_path, *rows)
    assert links(found) == {told}
    assert found.frame["identity"].n_unique() == 2
    assert found.links["why"].str.len_chars().min() > 10


def test_a_key_of_a_whole_market_joins_nobody(tmp_path: Path) -> None:
    rows = [f"Otter,v{n},{KEY},mail:help@otter.example,yes,99,,," for n in range(40)]
    found = identities(tmp_path, *rows)
    assert found.frame["identity"].n_unique() == 40
    assert links(found) == {("key", "does not join"), ("contact", "does not join")}
    assert found.links.height == 2 * 39
    assert "it is no seller's own" in found.links["why"][0]


def test_a_market_s_records_link_an_address_without_a_transaction(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text(
        'source = "seized database of Otter"\naddress = "to"\nasset = "coin"\namount = "sum"\n'
        'customer = "user"\ntime = "when"\ntime_unit = "iso"\nchain = "btc"\nway = "withdrawal"\n'
    )
    (tmp_path / "w.csv").write_text(
        "user,coin,sum,to,when\n"
        f"kelp,BTC,1,{ONE},2024-01-02T00:00:00Z\n"
        f"KELP,BTC,2,{ONE},2024-03-02T00:00:00Z\n"
        f"twice,BTC,2,{TWO},2024-03-02T00:00:00Z\n"
        f"stranger,BTC,2,{TWO},2024-03-02T00:00:00Z\n"
    )
    records = {"Otter": cw.read_statement(tmp_path / "w.csv", tmp_path / "w.toml")}
    found = identities(
        tmp_path, f"Otter,Kelp,{KEY},,yes,,,,", f"Otter,twice,{KEY[::-1]},,,,,,",
        f"Otter,twice,{OTHER},,,,,,", records=records,
    )  # fmt: skip
    (row,) = found.places.to_dicts()
    assert (row["by"], row["rows"], row["source"]) == ("withdrawal", 2, "seized database of Otter")
    assert row["address"] == canonical.parse(ONE, "btc")
    assert (str(row["first_day"]), str(row["last_day"])) == ("2024-01-02", "2024-03-02")
    tags = found.tags(confidence="authority_data")
    assert tags.frame["source"].to_list() == ["seized database of Otter"]


def test_no_name_leaves_the_desk(tmp_path: Path) -> None:
    found = identities(tmp_path, f"Otter,KelpOfTheSea,{KEY},mail:kelp@sea.example,yes,,,btc,{ONE}")
    edition, tables = shown_tables(found)
    told = str([frame.to_dicts() for frame in tables.values()])
    assert edition == "disclosure"
    for secret in ("KelpOfTheSea", KEY, "kelp@sea.example", ONE):
        assert secret not in told
    (said,) = found.findings(pl.DataFrame())
    assert "Kelp" not in " ".join(said.text)


def test_rows_that_say_what_they_cannot_are_rejected_with_the_reason(tmp_path: Path) -> None:
    read_ = read(
        tmp_path,
        "Otter,,,,,,,,", "Otter,a,xyz,,,,,,", "Otter,b,,just a name,,,,,", "Otter,c,,,maybe,,,,",
        "Otter,d,,,,many,,,", "Otter,e,,,,,someday,,", "Otter,f,,,,,,btc,nothing",
        f"Otter,g,{KEY},,,,,,",
    )  # fmt: skip
    assert [one.handle for one in read_.listed] == ["g"]
    reasons = " | ".join(read_.rejected["reason"])
    for word in ("no handle", "fingerprint of 3", "contact that does not", "neither yes nor no",
                 "no whole number", "no date", "not an address"):  # fmt: skip
        assert word in reasons
    (tmp_path / "x.csv").write_text("market,name\nOtter,k\n")
    with pytest.raises(TagError, match="no column 'handle' for handle"):
        cw.read_profiles(tmp_path / "x.csv", source="s")
    with pytest.raises(TagError, match="without their source"):
        cw.read_profiles(tmp_path / "x.csv", source=" ")
    with pytest.raises(InputError, match="most is no whole number"):
        cw.vendor_identities(read_, most=0)


@given(st.text(alphabet="0123456789abcdefABCDEF", min_size=40, max_size=40), st.integers(1, 8))
def test_a_fingerprint_has_one_form_however_it_is_written(digits: str, width: int) -> None:
    parts = [digits[at : at + width] for at in range(0, 40, width)]
    assert fingerprint_of(" ".join(parts)) == fingerprint_of(":".join(parts)) == digits.upper()
    assert is_full(fingerprint_of(digits))


def test_contacts_have_one_form() -> None:
    assert contact_of("Session: 05AbC") == "session:05abc"
    with pytest.raises(TagError):
        contact_of("kelp")


def test_sales_before_a_key_was_shown_are_not_sold_under_it(tmp_path: Path) -> None:
    """Who puts a rival's key into his profile has not sold under it."""
    found = identities(
        tmp_path, f"M1,Copycat,{OTHER},,,500,2024-01-01,,", f"M1,Copycat,{KEY},,,505,2024-02-01,,",
        f"M2,Rival,{KEY},,yes,,,,",
    )  # fmt: skip
    assert "joins" not in {verdict for _, verdict in links(found)}
    with pytest.raises(InputError, match="2 profiles have that name there"):
        found.of("M1", "Copycat")


def test_sellers_of_two_readings_have_names_of_their_own(tmp_path: Path) -> None:
    one = identities(tmp_path, f"A,kelp,{KEY},,yes,,,btc,{ONE}").tags()
    two = identities(tmp_path, f"B,reed,{OTHER},,yes,,,btc,{TWO}").tags()
    again = identities(tmp_path, "A,aaa,,,,,,,", f"A,kelp,{KEY},,yes,,,btc,{ONE}").tags()
    assert (one + two).frame["actor"].n_unique() == 2
    assert again.frame["actor"].to_list() == one.frame["actor"].to_list()


def test_an_address_of_many_sellers_is_nobody_s_own(tmp_path: Path) -> None:
    rows = [f"Otter,v{n},,,,,,btc,{ONE}" for n in range(6)]
    assert len(identities(tmp_path, *rows).tags()) == 0
    assert len(identities(tmp_path, *rows[:5]).tags()) == 5


def test_records_of_no_market_of_the_profiles_are_refused(tmp_path: Path) -> None:
    profiles = read(tmp_path, f"Otter,v,{KEY},,,,,,")
    with pytest.raises(InputError, match="no profile is of the market 'otter'"):
        cw.vendor_identities(profiles, records={"otter": cw.Statement(pl.DataFrame(), None)})  # type: ignore[arg-type]
    with pytest.raises(cw.errors.ArgumentError, match="records of 'Otter'"):
        cw.vendor_identities(profiles, records={"Otter": 5})  # type: ignore[dict-item]


def test_what_finds_a_seller_again_stays_on_the_desk(tmp_path: Path) -> None:
    found = identities(tmp_path, f"Otter,Kelp,{KEY},,yes,12345,2024-01-07,,")
    _, tables = shown_tables(found)
    told = str(tables["profiles"].to_dicts())
    assert "12345" not in told
    assert "2024-01-07" not in told
