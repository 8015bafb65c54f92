"""One search for crossings: every deposit of a span, held to identifiers and then to the caps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from itertools import chain as chained
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.crossings.chance import Control, Moved, control, shifts_for
from chainwatch.tracing.crossings.matching import Caps, Ordered, Party, Traffic, Verdict
from chainwatch.tracing.crossings.messages.by_identifier import (
    CONTRADICTS,
    Identified,
    Resolved,
    Row,
    asked_for,
    by_identifier,
    place_of,
)
from chainwatch.tracing.crossings.messages.identifiers import (
    SENT,
    SHARED,
    Destinations,
    destinations,
    messages_of_memos,
)
from chainwatch.tracing.crossings.messages.logs_read import LogsRead, failed_among
from chainwatch.tracing.crossings.messages.said import Known
from chainwatch.tracing.crossings.messages.together import unlogged
from chainwatch.tracing.crossings.moves import CLOCK, Moves, moves
from chainwatch.tracing.crossings.read_spans import ReadSpans, read_spans
from chainwatch.tracing.crossings.tables import (
    BY_AMOUNT,
    CONTROLS,
    CROSSED,
    DEPOSITS,
    GIVEN_BACK,
    MAYBE_BACK,
    NO_OTHER_SIDE,
    NOT_MATCHED,
    PAYER_UNREAD,
    PAYOUTS,
    SAME_CHAIN,
    UNKNOWN,
)
from chainwatch.units import counted

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


OWN_TABLE = (
    "Identifiers stand in a table of messages that was given, without the terms of each: a match by"
    " them is as good as that table."
)
"""Said where identifiers were not read from what a bridge's contracts logged."""


UNLOGGED = "the logs of contracts were not read: what bridges say of payments may be missing."
"""Said of a chain, or of some payments, of which no ledger has the logs."""

ODD_LOGS = "of what are named as bridges' contracts cannot be read as a message."
"""Said of logs under the event of a bridge that have another form."""

TOLD_ALIKE = (
    "matched by what both sides of a message say alike, for its source logs no nonce: no other of"
    " the same words was sent in the span that was read. One sent earlier than that could be meant."
)
"""Said of matches by words that two messages may share."""

ANSWERED_LITTLE = (
    "answered by less than half, as identifiers say: the rest went elsewhere, and it is not known"
    " where. Who fills a relay of his own is paid back by the bridge where he likes."
)
"""Said of deposits whose payouts are theirs and yet no answer to most of them."""


def _micro(time: datetime | None) -> int | None:
    return None if time is None else (time - EPOCH) // MICROSECOND


@dataclass
class Search:
    """Everything that one call looks at."""

    ledgers: Mapping[str, Ledger]
    addresses: pl.DataFrame
    groups: Sequence[tuple[Asset, ...]]
    messages: pl.DataFrame
    within: timedelta
    fee: Fraction
    odd: int = 0
    """Logs of bridges' contracts that cannot be read."""
    by_table: bool = False
    """Whether a table of the caller's own says more than the ledgers."""

    @cached_property
    def assets(self) -> list[Asset]:
        """Every asset, in the order of the groups."""
        return list(chained.from_iterable(self.groups))

    @cached_property
    def moved(self) -> Moves:
        """Deposits and payouts in the assets whose chain was read."""
        read = [one if one.chain in self.ledgers else None for one in self.assets]
        paid_out = self.messages.filter(pl.col("side") != SENT)
        return moves(self.ledgers, read, self.addresses, set(paid_out["txid"]))

    @cached_property
    def identified(self) -> Identified:
        """What identifiers say."""
        memos = messages_of_memos(self.ledgers, self.moved.payouts)
        known = pl.concat([self.messages, memos])
        return by_identifier(self.moved, known, self.asked, self._held_to())

    def _held_to(self) -> Known:
        """Return what messages are held to."""
        by_bridge = self.addresses.group_by("bridge").agg(pl.col("chain").unique())
        return Known(
            set(self.ledgers), [one.contract for one in self.assets],
            [one.decimals for one in self.assets], dict(by_bridge.iter_rows()),
            failed_among(self.ledgers, set(self.messages["txid"])),
            LogsRead(self.ledgers).hold, self.within,
        )  # fmt: skip

    @cached_property
    def asked(self) -> Destinations:
        """Whom deposits ask to pay."""
        return destinations(self.ledgers, self.moved.deposits)

    @cached_property
    def deposits(self) -> list[Row]:
        """Every deposit, whatever the span."""
        return list(self.moved.deposits.iter_rows(named=True))

    @cached_property
    def payouts(self) -> list[Row]:
        """Every payout of a bridge."""
        return list(self.moved.payouts.iter_rows(named=True))

    def looked_at(self, row: Row) -> bool:
        """Tell whether a deposit lies in the span of its ledger."""
        ledger, time = self.ledgers[row["chain"]], row["time"]
        if time is None:
            return ledger.start is None and ledger.end is None
        after = ledger.start is None or time >= ledger.start
        return after and (ledger.end is None or time < ledger.end)

    def frames(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Return deposits, payouts and controls."""
        verdicts, moved, controls = self._by_amount()
        deposits: list[dict[str, Any]] = []
        payouts: list[dict[str, Any]] = []
        for place, row in enumerate(self.deposits):
            if not self.looked_at(row):
                continue
            number, told = len(deposits), self.identified.found.get(place)
            if told is not None:
                deposit, paid = self._identified(told, row)
            else:
                deposit, paid = self._judged(verdicts[place], moved.get(place))
            deposits.append({"crossing": number, **self._told(row, "payer"), **deposit})
            payouts += [
                {"crossing": number, **self._told(out, "receiver"), **more,
                 "bridge": row["bridge"]} for out, more in paid
            ]  # fmt: skip
        return (
            pl.DataFrame(deposits, schema=DEPOSITS.schema, orient="row"),
            pl.DataFrame(payouts, schema=PAYOUTS.schema, orient="row"),
            pl.DataFrame(controls, schema=CONTROLS.schema, orient="row"),
        )

    def _told(self, row: Row, party: str) -> dict[str, Any]:
        asset = self.assets[row["asset"]]
        same = ("chain", "bridge", "time", "txid", "n", "tx", "amount", "address")
        return {
            **{name: row[name] for name in same}, party: row["party"],
            "contract": asset.contract, "symbol": asset.symbol, "decimals": asset.decimals,
        }  # fmt: skip

    def _identified(
        self, told: Resolved, row: Row
    ) -> tuple[dict[str, Any], list[tuple[Row, dict[str, Any]]]]:
        if told.reason:
            return {"result": NOT_MATCHED, "reason": told.reason}, []
        paid = []
        for out, back in told.payouts:
            result = CROSSED if out["chain"] != row["chain"] else GIVEN_BACK if back else SAME_CHAIN
            more = {"result": result, "evidence": told.evidence, "identifier": told.identifier}
            paid.append((out, more))
        results = [more["result"] for _, more in paid]
        best = next(one for one in (CROSSED, SAME_CHAIN, GIVEN_BACK) if one in results)
        return {"result": best, "evidence": told.evidence}, paid

    def _judged(
        self, verdict: Verdict, moved: Moved | None
    ) -> tuple[dict[str, Any], list[tuple[Row, dict[str, Any]]]]:
        asked = {
            "candidates": verdict.candidates if verdict.candidates >= 0 else None,
            "moves": moved.tries if moved else None,
            "moves_matched": moved.matched if moved else None,
        }
        if verdict.payout is None:
            return {"result": NOT_MATCHED, "reason": verdict.word, **asked}, []
        how = {"result": CROSSED, "evidence": BY_AMOUNT}
        return {**how, **asked}, [(self.payouts[verdict.payout], how)]

    def _by_amount(
        self,
    ) -> tuple[dict[int, Verdict], dict[int, Moved], list[dict[str, Any]]]:
        """Return what the rule of amount and time says of each deposit that none explains."""
        verdicts: dict[int, Verdict] = {}
        moved: dict[int, Moved] = {}
        controls = []
        for group, assets in enumerate(self.groups):
            for bridge in self._bridges_of(assets):
                mine = [n for n in self._places(self.deposits, assets, bridge)
                        if self.looked_at(self.deposits[n])]  # fmt: skip
                open_ = [n for n in mine if n not in self.identified.found]
                traffic = self._traffic(assets, bridge)
                judged = []
                for place in open_:
                    verdicts[place] = self._verdict(place, traffic, assets, bridge)
                    if verdicts[place].candidates >= 0:
                        judged.append((self._party(self.deposits[place], place), verdicts[place]))
                found, each = control(traffic, judged, self._shifts())
                moved |= each
                if mine:
                    controls.append(self._control(group, bridge, len(mine), len(open_), found))
        return verdicts, moved, controls

    def _shifts(self) -> tuple[int, ...]:
        return shifts_for((self.within + 2 * CLOCK) // MICROSECOND)

    def _control(
        self, group: int, bridge: str, deposits: int, open_: int, found: Control
    ) -> dict[str, Any]:
        span = found.interval
        return {
            "bridge": bridge, "assets": assets_said(self.groups[group]), "deposits": deposits,
            "by_identifier": deposits - open_, "matches": found.matches,
            "unmatched": found.unmatched, "tries": found.tries, "tries_matched": found.matched,
            "tries_unmatched": found.none, "cases": found.cases,
            "false_low": span and span[0], "false_high": span and span[1],
        }  # fmt: skip

    def _verdict(
        self, place: int, traffic: Traffic, assets: Sequence[Asset], bridge: str
    ) -> Verdict:
        row = self.deposits[place]
        if not [one for one in self._scope(assets, bridge) if one.chain != row["chain"]]:
            return Verdict(NO_OTHER_SIDE, None, -1)
        if row["amount"] is None or row["time"] is None:
            return Verdict(UNKNOWN, None, -1)
        if not row["sure"]:
            return Verdict(PAYER_UNREAD, None, -1)
        if self._given_back(row):
            return Verdict(MAYBE_BACK, None, -1)
        verdict = traffic.judge(self._party(row, place))
        if verdict.payout is not None and self._asked_otherwise(row, self.payouts[verdict.payout]):
            return Verdict(CONTRADICTS, None, verdict.candidates)
        return verdict

    def _given_back(self, row: Row) -> bool:
        """Tell whether the bridge paid a payer back on his own chain what would fit as a payout."""
        caps = Caps(self.within // MICROSECOND, self.fee, {"": self._wrong(row), "back": 0})
        made = self._party(row, 0)._replace(chain="")
        return any(
            place_of(out) not in self.identified.explained
            and caps.fit(made, self._party(out, 0)._replace(chain="back"))
            for out in self._to_payers.get((row["asset"], row["bridge"], row["party"]), ())
        )

    @cached_property
    def _to_payers(self) -> dict[tuple[int, str, bytes], list[Row]]:
        """Payouts by asset, bridge and who was paid, where that is known."""
        found: dict[tuple[int, str, bytes], list[Row]] = {}
        for row in self.payouts:
            if row["party"] is not None:
                found.setdefault((row["asset"], row["bridge"], row["party"]), []).append(row)
        return found

    def _asked_otherwise(self, row: Row, out: Row) -> bool:
        """Tell whether the memo beside a deposit asks to pay somebody else."""
        wanted = asked_for(self.asked, row, out["chain"])
        return bool(wanted) and out["party"] not in wanted

    @staticmethod
    def _wrong(row: Row) -> int:
        coins = find_chain(row["chain"]).family == "utxo"
        return CLOCK // MICROSECOND if coins else 0

    def _bridges_of(self, assets: Sequence[Asset]) -> list[str]:
        chains = {one.chain for one in assets}
        return sorted(self.addresses.filter(pl.col("chain").is_in(chains))["bridge"].unique())

    def _scope(self, assets: Sequence[Asset], bridge: str) -> list[Asset]:
        """Return the assets of a group on whose chain the bridge has an address."""
        chains = set(self.addresses.filter(bridge=bridge)["chain"])
        return [one for one in assets if one.chain in chains]

    def _places(self, rows: Sequence[Row], assets: Sequence[Asset], bridge: str) -> Iterator[int]:
        for place, row in enumerate(rows):
            if row["bridge"] == bridge and self.assets[row["asset"]] in assets:
                yield place

    def _party(self, row: Row, number: int) -> Party:
        """Return a deposit or payout in the smallest unit that the assets of its group share."""
        asset = self.assets[row["asset"]]
        finest = max(one.decimals for group in self.groups if asset in group for one in group)
        amount = row["amount"]
        value = None if amount is None else int(amount) * 10 ** (finest - asset.decimals)
        return Party(number, row["chain"], _micro(row["time"]), value)

    def _traffic(self, assets: Sequence[Asset], bridge: str) -> Traffic:
        known = self.identified  # of which none is named may still have been paid by any that fits
        deposits = [
            self._party(self.deposits[place], place)
            for place in self._places(self.deposits, assets, bridge)
            if place not in known.found or not known.found[place].payouts
        ]
        payouts = [
            self._party(self.payouts[place], place)
            for place in self._places(self.payouts, assets, bridge)
            if place_of(self.payouts[place]) not in known.explained
        ]
        chains = {one.chain for one in assets}
        slack = {one: self._wrong({"chain": one}) for one in chains}
        caps = Caps(self.within // MICROSECOND, self.fee, slack)
        return Traffic(Ordered(deposits), Ordered(payouts), caps, self._reader(assets, bridge))

    def _reader(self, assets: Sequence[Asset], bridge: str) -> Any:
        spans: dict[str, list[ReadSpans | None]] = {}
        for asset in self._scope(assets, bridge):
            spans.setdefault(asset.chain, []).append(self._spans(asset, bridge))

        def read(but: str, first: int, last: int) -> bool:
            bounds = EPOCH + first * MICROSECOND, EPOCH + last * MICROSECOND
            others = [of for chain, each in spans.items() if chain != but for of in each]
            return all(of is not None and of.hold(*bounds) for of in others)

        return read

    def _spans(self, asset: Asset, bridge: str) -> ReadSpans | None:
        """Return when the bridge's payments in an asset were read; None where its chain was not."""
        if asset.chain not in self.ledgers:
            return None
        mine = self.addresses.filter(bridge=bridge, chain=asset.chain)["address"].unique()
        return read_spans(self.ledgers[asset.chain], asset, mine.to_list(), self.moved.open_inputs)

    def limits(self) -> Iterator[str]:
        """Yield what was not looked at, in words."""
        unread = sorted({*self.addresses["chain"]} - {*self.ledgers})
        if unread:
            names = ", ".join(find_chain(one).alias for one in unread)
            yield f"Bridges have addresses on chains that were not read: {names}."
        if self.by_table:
            yield OWN_TABLE
        yield from self._not_logged()
        alike = sum(map(self._told_alike, self.identified.found))
        if alike:
            yield f"{counted(alike, 'deposit is', 'deposits are')} {TOLD_ALIKE}"
        little = sum(map(self._answered_little, self.identified.found))
        if little:
            yield f"{counted(little, 'deposit is', 'deposits are')} {ANSWERED_LITTLE}"
        left = self._not_named()
        if left:
            yield (
                f"{counted(left, 'payment', 'payments')} to bridges in assets that were not named"
                " are not looked at."
            )

    def _not_logged(self) -> Iterator[str]:
        """Yield where no ledger has what contracts logged, and what of it cannot be read."""
        looked = [row for row in self.deposits if self.looked_at(row)]
        paid = pl.DataFrame(
            [(row["chain"], row["tx"]) for row in (*looked, *self.payouts)],
            schema={"chain": pl.String, "tx": pl.Int64}, orient="row",
        )  # fmt: skip
        found = list(unlogged(self.ledgers, self.addresses, paid))
        wholly = [find_chain(chain).alias for chain, missing, count in found if missing == count]
        if wholly:
            yield f"On {', '.join(wholly)} {UNLOGGED}"
        for chain, missing, count in found:
            if missing < count:
                yield (
                    f"Of {missing:,} of {counted(count, 'payment', 'payments')} to and from bridges"
                    f" on {find_chain(chain).alias} {UNLOGGED}"
                )
        if self.odd:
            yield f"{counted(self.odd, 'log', 'logs')} {ODD_LOGS}"

    def _told_alike(self, place: int) -> bool:
        """Tell whether a deposit in the span is matched by what two messages could share."""
        told = self.identified.found[place]
        shared = told.identifier.startswith(tuple(f"{one} " for one in SHARED))
        return shared and bool(told.payouts) and self.looked_at(self.deposits[place])

    def _answered_little(self, place: int) -> bool:
        """Tell whether an identifier names less than half of a deposit, in what stands for it."""
        row, told = self.deposits[place], self.identified.found[place]
        group = next(one for one in self.groups if self.assets[row["asset"]] in one)
        paid = [out for out, _ in told.payouts if self.assets[out["asset"]] in group]
        if not paid or len(paid) < len(told.payouts) or not self.looked_at(row):
            return False
        given, *back = (self._party(one, 0).value for one in (row, *paid))
        known = [one for one in back if one is not None]
        return given is not None and len(known) == len(back) and 2 * sum(known) < given

    def _not_named(self) -> int:
        """Return how many transfers reached bridges in tokens that were not named."""
        count = 0
        for chain, ledger in sorted(self.ledgers.items()):
            here = self.addresses.filter(chain=chain)
            if here.is_empty() or find_chain(chain).family == "utxo":
                continue
            named = pl.any_horizontal(
                pl.lit(False), *(one.of_transfers() for one in self.assets if one.chain == chain)
            )
            to = pl.col("receiver").is_in(here["address"].implode())
            rows = ledger.transfers.filter((pl.col("chain") == chain) & to & ~named)
            paid = rows.filter(pl.col("success").ne_missing(False), pl.col("amount").ne_missing(0))
            count += int(paid.select(pl.len()).collect().item())
        return count


def assets_said(assets: Sequence[Asset]) -> str:
    """Return a group of assets in words: each with its chain."""
    return ", ".join(f"{one.symbol} on {find_chain(one.chain).alias}" for one in assets)
