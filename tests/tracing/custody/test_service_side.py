"""What shows that a service holds the keys: gas and sweeps for many without a common depositor."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from chainwatch.addresses.assets import native
from chainwatch.errors import AddressError, TraceError
from chainwatch.ledger.account_schema import APPROVALS
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.roles import NOBODY
from chainwatch.tracing.custody import sweeps
from chainwatch.tracing.custody.hosted import Hosted, hosted
from chainwatch.tracing.custody.service_side import BATCH, GAS
from chainwatch.tracing.policies import fifo
from chainwatch.tracing.stops import HOSTED, NOT_READ, ONE_DESTINATION
from chainwatch.tracing.trace import trace

COIN = native("btc-regtest")
GAS_COIN = {"contract": None, "kind": "native"}
FEE = {"contract": None, "kind": "fee"}


def judged(desk: Any, rows: list[Any], read: Any = "defxs", **more: Any) -> Hosted:
    named = desk.tags(("s", "shop"), ("t", "other"), chain=desk.asset.chain)
    return hosted(desk.paid(rows, read=read), named, asset=more.pop("asset", desk.asset), **more)


def probable(found: Hosted) -> list[str]:
    return [one[1:].decode().lstrip(".") for one in found.probable["address"]]


def undecided(found: Hosted) -> list[str]:
    return [one[1:].decode().lstrip(".") for one in found.undecided["address"]]


def swept(
    *who: str, together: bool = True, to: str = "s", from_: str = "", by: str | None = "s"
) -> list[Any]:
    """Return two deposits to each, and two sweeps: of all in one transaction, or of each alone.

    One transaction is sent ``by`` somebody, who pays its fee; with None its fee was not read.
    """
    rows: list[Any] = []
    for turn in range(2):
        rows += [(from_ or f"payer of {one}", one, 5) for one in who]
        batch = {"txid": bytes([turn]) * 31 + to.encode()}
        rows += [
            (one, to, 5, None, {**(batch if together else {}), "log_index": place})
            for place, one in enumerate(who)
        ]
        if together and by:
            rows.append((by, "miner", 1, None, {**batch, **FEE, "log_index": None}))
    return rows


def gassed(funder: str, *who: str) -> list[Any]:
    return [(funder, one, 1, 0, GAS_COIN) for one in who]


class TestBatches:
    def test_swept_together_for_unrelated_depositors(self, desk: Any) -> None:
        found = judged(desk, swept("d", "e", "f"))
        assert probable(found) == ["d", "e", "f"]
        row = found.frame.row(0, named=True)
        assert (row["shown_by"], row["batches"], row["unrelated"]) == (BATCH, 2, 3)
        assert (
            "2 payments were made in one transaction with other such addresses" in row["evidence"]
        )

    def test_swept_alone_nothing_is_shown(self, desk: Any) -> None:
        assert undecided(judged(desk, swept("d", "e", "f", together=False))) == ["d", "e", "f"]

    def test_one_owner_of_many_wallets_looks_like_no_service(self, desk: Any) -> None:
        assert undecided(judged(desk, swept("d", "e", "f", from_="o"))) == ["d", "e", "f"]
        # Nor where the owner pays by way of other addresses.
        behind = [("o", f"payer of {one}", 10, 0) for one in "def"]
        assert undecided(judged(desk, behind + swept("d", "e", "f"))) == ["d", "e", "f"]

    def test_what_a_service_paid_relates_nobody(self, desk: Any) -> None:
        """Half the world withdraws from it."""
        behind = [("s", f"payer of {one}", 10, 0) for one in "def"]
        assert probable(judged(desk, behind + swept("d", "e", "f"))) == ["d", "e", "f"]

    def test_nor_does_who_pays_everybody(self, desk: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(sweeps, "MOST_PAID", 4)
        rows = [("airdrop", one, 1, 0) for one in "defx"]
        rows += swept("d", "e", "f") + [(one, "s", 1, 20) for one in "def"]
        assert probable(judged(desk, rows)) == ["d", "e", "f"]
        monkeypatch.setattr(sweeps, "MOST_PAID", 5)
        assert probable(judged(desk, rows)) == []

    def test_too_few_and_those_of_another_service_do_not_count(self, desk: Any) -> None:
        assert undecided(judged(desk, swept("d", "e"))) == ["d", "e"]
        assert probable(judged(desk, swept("d", "e"), min_unrelated=2)) == ["d", "e"]
        rows = swept("d", "e") + swept("f", to="t")
        mixed = [(*row[:4], {**row[4], "txid": bytes(32)}) if len(row) > 4 else row for row in rows]
        assert undecided(judged(desk, mixed)) == ["d", "e", "f"]

    def test_groups_that_share_an_address_are_one(self, desk: Any) -> None:
        chained = swept("d", "e") + [
            (a, b, c, None, {**more[0], "txid": more[0]["txid"][::-1]} if more else {})
            for a, b, c, *_, more in (
                (*row[:3], row[3:4], row[4:]) for row in swept("e", "f")
            )
        ]  # fmt: skip
        assert probable(judged(desk, chained)) == ["d", "e", "f"]

    @pytest.mark.parametrize("by", ["bundler", "t", "d", None])
    def test_strangers_who_stand_together_in_a_bundle_show_nothing(
        self, desk: Any, by: str | None
    ) -> None:
        """Sent by a relayer, another service or one of them; or nobody read who sent it."""
        assert undecided(judged(desk, swept("d", "e", "f", by=by))) == ["d", "e", "f"]

    def test_two_who_may_have_sent_it_are_nobody(self, desk: Any) -> None:
        rows = swept("d", "e", "f")
        rows += [("x", "miner", 1, None, row[4]) for row in rows if row[1] == "miner"]
        assert not probable(judged(desk, rows))

    @pytest.mark.parametrize(
        "kind", ["user_operation", "authorization_used", "permit", "delegation"]
    )
    def test_what_others_signed_shows_nothing_whoever_sent_it(self, desk: Any, kind: str) -> None:
        """A service relays for its users too."""
        ledger = desk.paid(swept("d", "e", "f"), read="defs")
        bundles = ledger.frames["transfers"].filter(kind="fee").select("txid")
        rows = [
            {"chain": desk.asset.chain, "txid": txid, "log_index": 9, "kind": kind,
             "contract": desk.account("token"), "owner": desk.account("d"),
             "spender": desk.account("s"), "granted": True,
             "time": datetime(2023, 6, 1, tzinfo=UTC)}
            for (txid,) in bundles.iter_rows()
        ]  # fmt: skip
        named = desk.tags(("s", "shop"), chain=desk.asset.chain)
        assert probable(hosted(ledger, named, asset=desk.asset)) == ["d", "e", "f"]
        for kept in (rows, rows[:1]):  # one sweep that is left is not twice
            approvals = pl.DataFrame(kept, schema=APPROVALS.schema, orient="row")
            told = Ledger.from_tables({**ledger.frames, "approvals": approvals})
            assert not probable(hosted(told, named, asset=desk.asset))

    def test_swept_by_the_wallet_that_pays_the_gas_of_others(self, desk: Any) -> None:
        others = tuple(f"d{number}" for number in range(20))
        rows = [*gassed("gas", *others), *swept(*others, together=False)]
        rows += swept("d", "e", "f", by="gas")
        found = judged(desk, rows, read=[*others, "d", "e", "f"])
        assert set(probable(found)) == {*others, "d", "e", "f"}
        assert found.frame.filter(shown_by=BATCH).height == 3
        alone = judged(desk, swept("d", "e", "f", by="gas"))
        assert not probable(alone)

    def test_coins_swept_together(self, desk: Any) -> None:
        """Addresses that are paid again and again, by strangers, and spent together."""
        txs: list[dict[str, Any]] = []
        for turn in "12":
            for one in "def":
                txs += [
                    {"id": f"{one}{turn}", "ins": [("coin", turn.encode()[0], 5, f"p{one}")],
                     "outs": [(one, 5)]},
                ]  # fmt: skip
            spent = [(f"{one}{turn}", 0) for one in "def"]
            txs.append({"id": f"sweep{turn}", "ins": spent, "outs": [("s", 15)]})
        found = hosted(desk.coins(txs), desk.tags(("s", "shop")), asset=COIN)
        assert probable(found) == ["d", "e", "f"]
        for one in txs:
            if not one["id"].startswith("sweep"):
                one["ins"] = [(*one["ins"][0][:3], "o")]
        assert undecided(hosted(desk.coins(txs), desk.tags(("s", "shop")), asset=COIN)) == [
            "d", "e", "f"
        ]  # fmt: skip


class TestGas:
    WHO = tuple(f"d{number}" for number in range(20))

    def rows(self, *more: Any, **swept_how: Any) -> list[Any]:
        return [*gassed("gas", *self.WHO), *swept(*self.WHO, together=False, **swept_how), *more]

    def test_one_funder_for_many_unrelated(self, desk: Any) -> None:
        found = judged(desk, self.rows(), read=self.WHO)
        assert len(probable(found)) == 20
        row = found.frame.row(0, named=True)
        assert (row["shown_by"], row["gas_funder"], row["funded"], row["unrelated"]) == (
            GAS, desk.account("gas"), 20, 20
        )  # fmt: skip
        assert "pays the gas of 20 such addresses, 20 of them without" in row["evidence"]

    @pytest.mark.parametrize(("more", "found"), [({"min_funded": 21}, 0), ({}, 20)])
    def test_how_many_are_asked_for(self, desk: Any, more: Any, found: int) -> None:
        assert len(probable(judged(desk, self.rows(), read=self.WHO, **more))) == found

    def test_who_sells_gas_to_everybody_shows_nothing(self, desk: Any) -> None:
        others = gassed("gas", *(f"x{number}" for number in range(3)))
        assert not probable(judged(desk, self.rows(*others), read=self.WHO))
        few = self.rows(*others[:2])  # 20 of 22 are more than nine of ten
        assert len(probable(judged(desk, few, read=self.WHO))) == 20

    def test_a_ring_with_a_funder_of_its_own_shows_nothing(self, desk: Any) -> None:
        assert not probable(judged(desk, self.rows(from_="o"), read=self.WHO))

    def test_fees_are_nobodys_gas(self, desk: Any) -> None:
        """Whoever makes a block is paid: a funder who pays many of them serves nobody else."""
        fees = [("gas", f"miner {number}", 1, 0, FEE) for number in range(30)]
        assert len(probable(judged(desk, self.rows(*fees), read=self.WHO))) == 20

    def test_failed_gas_is_none(self, desk: Any) -> None:
        rows = [(*row[:4], {**row[4], "success": False}) for row in gassed("gas", *self.WHO)]
        rows += swept(*self.WHO, together=False)
        assert not probable(judged(desk, rows, read=self.WHO))


class TestOpen:
    def test_a_trace_ends_there_until_it_is_opened(self, desk: Any) -> None:
        rows = [("o", "d", 4), ("d", "s", 4), *swept("d", "e", together=False)]
        ledger = desk.paid(rows, read="des")
        services = desk.tags(("s", "shop"), chain=desk.asset.chain)
        at = hosted(ledger, services, asset=desk.asset)
        asked: dict[str, Any] = {"policy": fifo, "asset": desk.asset}

        def ends(stop: Hosted) -> dict[Any, int]:
            found = trace(ledger, [desk.account("o")], stop=[services, stop], **asked)
            return dict(desk.ends(found))

        assert ends(at) == {(ONE_DESTINATION, "d"): 4}
        opened = at.open(desk.account("d"), why="its holder told where he cashes out")
        assert ends(opened) == {(HOSTED, "s"): 4}
        assert opened.frame.height == 1
        assert opened.opened["why"].to_list() == ["its holder told where he cashes out"]
        assert opened.digest != at.digest
        told = " ".join(map(str, opened.findings(NOBODY)[0].text))
        assert "1 of them was opened by a person, so that following goes on behind: its" in told
        followed = trace(ledger, [desk.account("o")], stop=[services, opened], **asked)
        assert "1 such end was opened by a person" in str(followed.findings(NOBODY)[0].text)

    def test_what_cannot_be_opened(self, desk: Any) -> None:
        at = judged(desk, swept("d", "e", together=False))
        with pytest.raises(TraceError, match="without a reason"):
            at.open(desk.account("d"), why=" ")
        with pytest.raises(TraceError, match="is none of the 2 addresses"):
            at.open(desk.account("s"), why="because")
        with pytest.raises(TraceError, match="no address is none"):
            at.open(why="because")
        with pytest.raises(AddressError):
            at.open("nonsense", why="because")

    def test_what_is_undecided_is_said_so(self, desk: Any) -> None:
        rows = [("o", "d", 4), ("d", "s", 4), *swept("d", "e", together=False)]
        ledger = desk.paid(rows, read="de")
        services = desk.tags(("s", "shop"), chain=desk.asset.chain)
        at = hosted(ledger, services, asset=desk.asset)
        got = trace(ledger, [desk.account("o")], policy=fifo, stop=[services, at],
                    asset=desk.asset)  # fmt: skip
        (finding,) = got.findings(NOBODY)
        assert "wallet that pays nobody but shop (custody undecided, can be opened)" in str(
            finding.headline
        )
        assert "2 wallets that pay one service alone nothing shows who holds" in str(finding.text)
        assert at.roles().doubtful >= {(desk.asset.chain, desk.account(one)) for one in "de"}
        # Whoever holds it may be anybody: it is not shown as an address of the service.
        assert not got.roles().alone
        assert (NOT_READ, "d") not in desk.ends(got)


@pytest.mark.parametrize("more", [{"min_unrelated": 1}, {"min_funded": 1}, {"min_pure": 1001}])
def test_what_makes_no_sense_is_refused(desk: Any, more: dict[str, int]) -> None:
    with pytest.raises(TraceError, match="per mille"):
        judged(desk, [("o", "d", 1)], **more)
