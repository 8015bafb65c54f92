"""``[follow]``: how the value of subjects is followed, and where it ends."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticKnownError

from chainwatch.case.file.keys import MOST_DAYS, MOST_UNITS, OpenedEnd, Strict, listed
from chainwatch.ledger.look_alikes import TAILS
from chainwatch.tracing.custody.hosted import SWEPT
from chainwatch.tracing.policies import POLICIES

_POLICIES = [policy.name for policy in POLICIES]


def _known_policy(name: str) -> str:
    if name not in _POLICIES:
        raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, _POLICIES))})
    return name


PolicyName = Annotated[
    str, AfterValidator(_known_policy), Field(json_schema_extra={"enum": [*_POLICIES]})
]
"""A policy by its name."""

Policies = Annotated[tuple[PolicyName, ...], BeforeValidator(listed)]
"""Several; one alone may stand without brackets."""


class Follow(Strict):
    """How value is followed.

    ``custody`` says at whose addresses it ends by what they do: deposit addresses and wallets that
    pay one service alone, or these with the hot, cold and gas wallets of services. ``max_age`` is
    in days.
    """

    policy: Annotated[
        str,
        AfterValidator(_known_policy),
        Field(json_schema_extra={"enum": [*_POLICIES]}, description="How balances are divided."),
    ] = "fifo"
    trifle: Annotated[
        int,
        Field(
            ge=0,
            le=MOST_UNITS,
            description="Most that a lure of address poisoning moves; accounts.",
        ),
    ] = 0
    alike_head: Annotated[
        int, Field(ge=0, description="First characters in which look-alikes agree.")
    ] = 0
    alike_tail: Annotated[
        int,
        Field(ge=TAILS[0], le=TAILS[-1], description="Last characters in which they agree."),
    ] = 4
    min_share: Annotated[
        int,
        Field(ge=1, le=1000, description="Per mille that a deposit address passed to one service."),
    ] = 980
    min_sweeps: Annotated[
        int, Field(ge=SWEPT, description="Fewest payments in which it did so.")
    ] = SWEPT
    min_unrelated: Annotated[
        int, Field(ge=1, description="Fewest payers who have nothing to do with one another.")
    ] = 3
    min_funded: Annotated[
        int, Field(ge=1, description="Fewest addresses that a wallet of a service collects from.")
    ] = 20
    min_pure: Annotated[
        int, Field(ge=1, le=1000, description="Per mille of what it gets that comes from them.")
    ] = 900
    max_hours: Annotated[
        int,
        Field(
            ge=1,
            le=24 * MOST_DAYS,
            description="Most hours that value lies at a deposit address; roles.",
        ),
    ] = 12
    max_left: Annotated[
        int | None,
        Field(ge=0, le=MOST_UNITS, description="Most base units that stay behind there; roles."),
    ] = None
    max_senders: Annotated[
        int, Field(ge=1, description="Most who pay into one deposit address; roles.")
    ] = 20
    min_equal: Annotated[int, Field(ge=2, description="Fewest equal outputs of a mix; coins.")] = 3
    custody: Annotated[
        Literal["deposits", "roles"], Field(description="At whose addresses following ends.")
    ] = "deposits"
    max_hops: Annotated[int | None, Field(description="Most payments from a subject.")] = None
    max_age: Annotated[
        int | None,
        Field(ge=1, le=MOST_DAYS, description="Most days behind what a subject received."),
    ] = None
    min_amount: Annotated[
        int,
        Field(ge=0, le=MOST_UNITS, description="Branches below this many base units end."),
    ] = 0
    spread_unstated: Annotated[
        bool, Field(description="Tags count for clusters of which their publisher says nothing.")
    ] = False
    opened: Annotated[
        tuple[OpenedEnd, ...], Field(description="Ends by custody behind which it goes on.")
    ] = ()
    graph: Annotated[
        bool,
        Field(description="Draw who paid whom as boxes and lines too."),
    ] = False
