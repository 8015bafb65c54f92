"""``action_sheet``: of the ends of a trace those that somebody could act on, and whom to ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from chainwatch.addresses.assets import Asset
from chainwatch.attribution.tags import Tags
from chainwatch.errors import ConservationError, expect
from chainwatch.ledger.ledger import Ledger
from chainwatch.results.result import Finding, Result, recorded
from chainwatch.results.roles import SUBJECT, Roles, parties_of
from chainwatch.results.sentence import Sentence, Sum, joined, sentence
from chainwatch.results.table import (
    BEHIND,
    CONTRACT,
    TIME,
    Column,
    Privacy,
    Rows,
    Table,
    behind,
)
from chainwatch.tracing.actions.by_order import (
    POSSIBLE,
    by_order,
    can_be_acted_on,
    hangs,
    possible_ends,
)
from chainwatch.tracing.actions.contacts import NOT_KNOWN, Contacts
from chainwatch.tracing.actions.freezes import Freezes
from chainwatch.tracing.actions.holdings import AT_SERVICE, Holdings
from chainwatch.tracing.actions.issuer_requests import issuer_request
from chainwatch.tracing.actions.requests import request_texts
from chainwatch.tracing.arguments import check
from chainwatch.tracing.custody.hosted import CUSTODY
from chainwatch.tracing.ends.holders import NAMELESS, with_behind
from chainwatch.tracing.result import REACHES, Trace
from chainwatch.tracing.stops import ONE_DESTINATION, UNSPENT, at_a_service
from chainwatch.tracing.trace_tables import ENDS, ENDS_BY_REASON, ROW_KEY
from chainwatch.units import counted, exact_sum, total

ACTIONS = Table(
    "actions",
    ROW_KEY,
    "One row per end that somebody could act on: a service that keeps records, whoever holds the"
    " key of a coin, the issuer of a token.",
    (
        ENDS["subject"],
        ENDS["service"],
        ENDS["address"],
        Column.word("asset", "symbol of what was followed, as it was given"),
        CONTRACT,
        ENDS["tx"],
        ENDS["txid"],
        ENDS["n"],
        ENDS["time"],
        ENDS["amount"],
        ENDS["reason"],
        ENDS["certainty"],
        ENDS["basis"],
        Column.text("freeze", "what the issuer of the token did to the address, as far as read"),
        Column.word("contact", "what kind of body tags call it: a concept of the taxonomy"),
        Column.text("observable", "what the chain shows of what is left, and as of when"),
        Column.amount("held", "all of the coin or balance, traced or not; null where not read"),
        Column.place("as_of", "height of the block up to which that is known"),
        Column("as_of_time", TIME, Privacy.TIME, "time up to which it is known", nullable=True),
    ),
    order=("service", "-amount"),
)

REST = ENDS_BY_REASON.pick(*ENDS_BY_REASON.names, name="beyond_action")

LISTED = ACTIONS.pick(
    "service", "address", "time", "txid", "n", "amount", "reason", "certainty", "contact",
    "freeze", "observable", name="action_sheet",
)  # fmt: skip

WHO = Table(
    "who_could_act",
    (),
    "Who could act on ends of a trace, added up by who it is and how that is known.",
    (*REST.pick("reason", "service", "certainty", "basis", "amount", "ends").columns,
     Column.word("contact", "what kind of body tags call the service: a concept"), BEHIND),
    order=("service", "-amount"),
)  # fmt: skip

TOLD_REST = REST.pick(*REST.names, name="nobody_can_act")

_KINDS = ("reason", "service", "certainty", "basis")


@dataclass(frozen=True, repr=False, eq=False)
class ActionSheet(Result):
    """The ends of a trace that somebody could act on; all others are summed by reason.

    Attributes
    ----------
    frame : polars.DataFrame
        Rows in :data:`ACTIONS`.
    rest : polars.DataFrame
        Rows in :data:`REST`: together with ``frame`` they are the ends of the trace, exactly.
    asset : Asset
        What was followed.
    policy : str
        By which method.
    conserves : bool
        Whether amounts are shares of what came in; if not, they say how much was reached.
    direction : str
        ``forward``, or ``backward``: then an end is where value came from.
    tagged : int or None
        Addresses of the chain that the tags name; None where no tags were given.
    possible : polars.DataFrame
        Rows in :data:`POSSIBLE`: places whose amount hangs on the order of transfers, those too
        that value reaches in another order alone. ``frame`` and ``rest`` are those of one order.
    order_open : str
        That the order is open, in a sentence; empty where it is not.
    """

    frame: pl.DataFrame
    rest: pl.DataFrame
    asset: Asset
    policy: str
    conserves: bool = True
    direction: str = "forward"
    tagged: int | None = None
    possible: pl.DataFrame = field(default_factory=POSSIBLE.empty)
    order_open: str = ""

    def tables(self) -> Mapping[str, Rows]:
        """Return the tables that make up the content digest."""
        possible = POSSIBLE.rows(self.possible)
        return {
            "actions": ACTIONS.rows(self.frame),
            "beyond_action": REST.rows(self.rest),
            **({POSSIBLE.name: possible} if self.possible.height else {}),
        }

    def followed(self) -> pl.DataFrame:
        """Return the subjects whose value it is: ``chain, address``."""
        whose = pl.concat([self.frame["subject"], self.possible["subject"]])
        whose = whose.drop_nulls().unique().sort()
        return pl.DataFrame({"address": whose}).select(
            pl.lit(self.asset.chain).alias("chain"), "address"
        )

    def roles(self) -> Roles:
        """Return that those followed are subjects, and where value ends a service: as a trace."""
        chain = self.asset.chain
        at_service = self.frame.filter(at_a_service())
        return Roles(
            spreading=dict.fromkeys(parties_of(self.frame, "subject", chain), SUBJECT),
            alone=parties_of(at_service, chain=chain)
            | parties_of(self.possible.filter(at_a_service()), chain=chain),
        )

    def findings(self, subjects: pl.DataFrame) -> Sequence[Finding]:
        """Return who could act, on which payments, what hangs on an order, and the rest."""
        possible = (
            (by_order(self.possible, self.order_open, self.asset),) if self.possible.height else ()
        )
        return (_who(self), _listed(self), *possible, _beyond(self))

    def requests(self) -> dict[str, str]:
        """Return a request to each who could act, in clear, by its name.

        Returns
        -------
        dict of str to str
            Markdown. A service is told its own addresses and the payments there: no address of a
            subject, of another service or of anybody else, and not how value came there. The
            issuer of a token is asked to hold back what lies in wallets that no service is known
            to keep, and told these alone. Ends that no service is named for, or two, are in none.
            Who sends it, and on what legal basis, is to be filled in where the square brackets
            stand. Where the order of transfers is open they say so; whoever value reaches in
            another order alone is in none.
        """
        back = self.direction == "backward"
        given = (self.frame, self.asset, self.policy)
        to_services = request_texts(
            *given, conserves=self.conserves, backward=back, order_open=self.order_open
        )
        to_issuer = issuer_request(
            *given, conserves=self.conserves, backward=back, order_open=self.order_open
        )
        return to_services | to_issuer

    def __repr__(self) -> str:
        shown, kinds = self.asset.shown, ["reason", "service", "contact"]
        summed = self.frame.group_by(kinds).agg(
            exact_sum("amount"), pl.len().cast(pl.Int64).alias("ends")
        )
        rows = [
            f"  {shown(int(row['amount'])):>24}  {row['reason']}"
            + (f": {row['service']}" if row["service"] else "")
            + f" (contact {row['contact']}), {counted(row['ends'], 'end', 'ends')}"
            for row in summed.sort(
                ["amount", *kinds], descending=[True, False, False, False], nulls_last=True
            ).iter_rows(named=True)
        ]
        beyond = (
            f"  {shown(total(self.rest['amount'])):>24}  of which nobody is known who could act"
        )
        note = [] if self.conserves else [f"  {REACHES}"]
        note += [f"  {self.order_open} {hangs(self.possible)}"] if self.order_open else []
        many = counted(self.frame.height, "end", "ends")
        head = f"ActionSheet({self.policy}, {many} that somebody could act on)"
        return "\n".join([head, *rows, beyond, *note])


@recorded
def action_sheet(
    trace: Trace, *, tags: Tags | None = None, ledger: Ledger | None = None
) -> ActionSheet:
    """List the ends of a trace that somebody could act on, and sum up the rest by reason.

    A service that was reached can be asked, whoever holds a key can be found, and the issuer of a
    token can be told. Fees, what was burnt, mixed, cut off or not read is nobody's to act on.

    Parameters
    ----------
    trace : Trace
        What was followed, under its policy.
    tags : Tags, optional
        What services and holders are called: the contact category is their concept.
    ledger : Ledger, optional
        Says what coins and balances hold, and what issuers froze; without it that is *not read*.

    Returns
    -------
    ActionSheet
        Rows and rest together are the ends of the trace exactly.

    Raises
    ------
    ConservationError
        If they are not: a defect.

    Fails when
    ----------
    A service was not tagged, or a tag names the wrong one. What lies at a hosted address on chain
    says nothing of what its customer still has there.
    """
    expect(trace, Trace, "trace", "pass a trace: action_sheet(trace(...))")
    check(tags=tags)
    if ledger is not None:
        check(ledger=ledger)
    listed = trace.ends.filter(can_be_acted_on())
    others = trace.ends.filter(~can_be_acted_on())
    contacts = Contacts(tags, trace.asset.chain)
    made = ActionSheet(
        _rows(listed, trace.asset, contacts, ledger),
        _summed(others, trace),
        trace.asset,
        trace.policy,
        trace.conserves,
        trace.direction,
        None if tags is None else len(contacts.sayings),
        possible_ends(trace),
        trace.order_open(),
    )
    _adds_up(made, trace)
    return made


def _rows(
    ends: pl.DataFrame, asset: Asset, contacts: Contacts, ledger: Ledger | None
) -> pl.DataFrame:
    freezes, holdings = Freezes.of(ledger, asset), Holdings(ledger, asset)
    rows = [
        _row(end, contacts, freezes, holdings) | {"asset": asset.symbol, "contract": asset.contract}
        for end in ends.iter_rows(named=True)
    ]
    return pl.DataFrame(rows, schema=ACTIONS.schema, orient="row")


def _row(
    end: Mapping[str, Any], contacts: Contacts, freezes: Freezes, holdings: Holdings
) -> dict[str, Any]:
    held, place = holdings.at(end), end["address"]
    told = {
        "freeze": freezes.told(place),
        "contact": contacts.of(end["service"], place, end["time"]),
        "observable": held.told,
        "held": held.amount,
        "as_of": held.as_of,
        "as_of_time": held.as_of_time,
    }
    return {name: end[name] for name in ACTIONS.names if name in end} | told


def _summed(ends: pl.DataFrame, trace: Trace) -> pl.DataFrame:
    rows = (
        ends.group_by(_KINDS)
        .agg(exact_sum("amount"), pl.len().cast(pl.Int64).alias("ends"))
        .sort(["amount", *_KINDS], descending=[True, *(False for _ in _KINDS)])
    )
    return with_behind(rows, ends, trace.steps, _KINDS).select(REST.names).cast(REST.schema)  # type: ignore[arg-type]  # polars types mix classes and instances


def _adds_up(sheet: ActionSheet, trace: Trace) -> None:
    """Refuse a sheet whose rows and rest are not the ends of the trace, in amount and number."""
    listed, rest = total(sheet.frame["amount"]), total(sheet.rest["amount"])
    whole = total(trace.ends["amount"])
    count = sheet.frame.height + sum(sheet.rest["ends"].to_list())
    if listed + rest != whole or count != trace.ends.height:
        raise ConservationError(
            f"an action sheet of {count} ends and {listed + rest} base units was made of"
            f" {trace.ends.height} ends and {whole} base units",
            remedy="report it: no figure of this sheet may be used",
        )


def _who(sheet: ActionSheet) -> Finding:
    """Return who could act, each with what it is about: a service is named with all of it."""
    contact = pl.when(pl.col("service").is_not_null()).then("contact").alias("contact")
    rows = (
        sheet.frame.with_columns(contact, pl.col("address").fill_null(NAMELESS).alias("holder"))
        .group_by(*_KINDS, "contact")
        .agg(exact_sum("amount"), pl.len().cast(pl.Int64).alias("ends"), behind("holder"))
        .sort("service", "amount", *_KINDS, "contact",
              descending=[False, True, *(False for _ in _KINDS), False], nulls_last=True)
        .select(WHO.names)
        .cast(WHO.schema)  # type: ignore[arg-type]  # polars types mix classes and instances
    )  # fmt: skip
    return Finding(
        "Who could act on it",
        tuple(_said(sheet)),
        WHO.rows(rows),
        sheet.asset,
        (CUSTODY, "Who holds a coin now need not know where it came from."),
        _headline(sheet),
    )


def _listed(sheet: ActionSheet) -> Finding:
    """Return the ends that somebody could act on, each with its payment."""
    rows = sheet.frame.select(LISTED.names)
    rows = rows.sort("service", "amount", descending=[False, True], nulls_last=True,
                     maintain_order=True)  # fmt: skip
    note = () if sheet.conserves else (REACHES,)
    return Finding(
        "The payments that they could act on",
        (
            "The same ends, each with its payment. Where others are masked, a payment that would"
            " show them is added to others here, or left out: the table before this one has all.",
            *note,
        ),
        LISTED.rows(rows),
        sheet.asset,
        ("Who was paid need not know where the money came from.",),
    )


def _said(sheet: ActionSheet) -> Iterator[str]:
    end = "value came from" if sheet.direction == "backward" else "value went to"
    policy = sheet.policy.upper()
    if sheet.conserves:
        yield f"Each row tells of places that {end}; its amount is what {policy} follows there."
    else:
        yield f"Each row tells of places that {end}, reached under {policy}. {REACHES}"
    if sheet.order_open:
        yield f"{sheet.order_open} {hangs(sheet.possible)}"
    if sheet.frame["service"].drop_nulls().len():
        yield f"What is left at a service is {AT_SERVICE}."
    if sheet.tagged is None:
        yield f"No tags were given: contact categories are {NOT_KNOWN}."
    if sheet.asset.contract is not None:
        yield (
            "The issuer of a token may be able to freeze it wherever it lies: whether it did is"
            " said of what was read of its events alone."
        )


def _headline(sheet: ActionSheet) -> Sentence:
    """Return in a sentence at how many places somebody could act, and who."""
    rows = sheet.frame
    open_ = f" {sheet.order_open} {hangs(sheet.possible)}" if sheet.order_open else ""
    if rows.is_empty():
        none = "Nobody is known who could act on any end of the trace"
        return sentence(none, f", as one order has it.{open_}" if open_ else ".")
    at_service, cashed = rows.filter(at_a_service()), rows.filter(reason=ONE_DESTINATION)
    nameless = rows.filter(pl.col("service").is_null())
    held = nameless.filter(pl.col("reason") == UNSPENT)
    other = nameless.filter(pl.col("reason") != UNSPENT)
    # No count of all: beside rounded counts of its parts it would contradict them.
    told = (
        (at_service, "end is at a service", "ends are at services", _names(at_service)),
        (
            cashed,
            "end is a wallet that pays one service alone, custody undecided",
            "ends are wallets that pay one service alone, custody undecided",
            _names(cashed),
        ),
        (other, "end is at a party that tags name", "ends are at parties that tags name", ""),
        (held, "end is unspent", "ends are unspent", ""),
    )
    parts = [
        sentence(_count(some, one, many), names) for some, one, many, names in told if some.height
    ]
    return sentence("Somebody could act: ", joined("; ", parts), ".", open_)


def _names(rows: pl.DataFrame) -> str:
    return f" ({', '.join(sorted(set(rows['service'])))})" if rows.height else ""


def _count(rows: pl.DataFrame, one: str, many: str) -> Sum:
    behind = frozenset(address or NAMELESS for address in rows["address"])
    return Sum(rows.height, behind=behind, noun=(one, many))


def _beyond(sheet: ActionSheet) -> Finding:
    """Return where nobody is known who could act, by reason."""
    even = (
        "These and the places that somebody could act on are all ends of the trace: before any"
        " amount is rounded (≈), they add up to it exactly."
    )
    note = () if sheet.conserves else (REACHES,)
    return Finding(
        "Where nobody is known who could act",
        (even, *note),
        TOLD_REST.rows(sheet.rest),
        sheet.asset,
        ("What was not read may lie where somebody could act on it.",),
    )
