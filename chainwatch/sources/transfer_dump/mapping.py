"""Says which column of a table of transfers holds what: small, explicit, nothing guessed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from chainwatch.addresses import canonical
from chainwatch.addresses.assets import PAYMENT_KINDS
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import AddressError, ChainError, DumpError


def _account_chain(name: str) -> str:
    try:
        chain = chain_of(name)
    except ChainError as error:
        raise ValueError(str(error)) from error
    if chain.family not in ("evm", "tron"):
        raise ValueError(f"{chain.name} has no transfers between accounts")
    return chain.id


def _one_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    if groups != 1:
        raise ValueError(f"has {groups} groups; the actor is the text of exactly one")
    return pattern


TimeUnit = Literal["s", "ms", "us", "iso", "m/d/y", "d/m/y"]
"""How a table writes its times."""

_Decimals = Annotated[int, Field(ge=0, le=255)]
_Several = Annotated[tuple[str, ...], Field(strict=False)]

KINDS = {
    "evm": (*PAYMENT_KINDS, "erc20", "erc721", "erc1155"),
    "tron": (*PAYMENT_KINDS, "trc20", "trc721"),
}
"""Kinds of transfers by family of chains. What some call bep20 is erc20."""


class TagMapping(BaseModel):
    """How name tags of an explorer become rows of ``tags``.

    Attributes
    ----------
    sender, receiver : str or None
        Columns with the name tag of the paying and of the receiving address.
    source : str
        Where the tags were published.
    concept : str or None
        What all of them are, e.g. ``exchange``.
    confidence, level : str, int
        TagPack level and its number; give both or neither.
    actor : str or None
        Regular expression with one group, the actor's name in the tag; lower-cased it is the id.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sender: str | None = None
    receiver: str | None = None
    source: str
    concept: str | None = None
    confidence: str = "web_crawl"
    level: Annotated[int, Field(ge=0, le=100)] = 20
    actor: Annotated[str, AfterValidator(_one_group)] | None = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> TagMapping:
        if ("confidence" in self.model_fields_set) != ("level" in self.model_fields_set):
            raise ValueError("give confidence and level together")
        return self


class DumpMapping(BaseModel):
    """How the columns of a table of transfers are to be read.

    Attributes
    ----------
    chain : str
        Alias or CAIP-2 id of an account chain.
    kind : str
        One of ``KINDS`` for the whole table. A second word for one kind would count a transfer
        twice, so there is none.
    source : str
        Who made the table; stands in coverage and answers.
    txid, sender, receiver : str
        Names of columns.
    amount : str or tuple of str
        Column with the amount, or several of which each row fills one (``Value_IN``,
        ``Value_OUT``).
    amount_unit : str
        ``base`` for whole base units; ``whole`` for coins with a point and, if need be, commas
        between thousands (1,234.56), for which ``decimals`` must be known; ``double`` for base
        units that passed through a floating-point number: below 2^53 they are exact, and a row
        with more is set apart, for its last digits may be made up.
    decimals : str, int or dict, optional
        Decimals of the token: a column; a number, where the table holds one token; or a number for
        each contract. Needed for whole coins (those of the native coin are known), else for
        display only.
    time : str, optional
        Column with the time; needed where there is no height.
    time_unit : str, optional
        ``s``, ``ms`` or ``us`` since 1970, ``iso`` text (without a zone it is UTC), or ``m/d/y``
        and ``d/m/y`` as spreadsheets and explorers write it (5/1/2023 2:03:04 PM).
    height, position : str, optional
        Columns with the height of the block, and with the place of the transaction in it.
    log_index : str, optional
        Column with the place of the log. It tells two equal transfers of one transaction apart,
        and one that is listed twice together. Where neither it nor ``trace_path`` is named and the
        table has a column ``log_index``, ``evt_index`` or ``event_index`` (however spelled; of the
        native coin ``trace_address``), that is read, if all in it fits, and the pull says so.
    trace_path : str, optional
        Column with the place of a call, such as ``0.2.1`` or ``0,2,1``; as good for calls.
    contract : str or None
        Column with the token contract; needed for tokens, None for the native asset.
    token_id : str, optional
        Column with the id of a unique token.
    created : str, optional
        Column with the contract that a transaction without a receiver creates, which is paid then.
    symbol, status : str or None
        Columns kept for display, verbatim.
    result : str or None
        Column that says whether the transfer took effect.
    success : str
        The word for *yes* there. It may be empty: then an empty cell says so. Capitals make no
        difference, nor does ``1.0`` or ``0x1`` for ``1``; ``null``, ``nan`` and such say nothing.
    failure : str or tuple of str
        The words for *no*. Where they are given, every other word says nothing; where they are
        not, every other word says *no*, and the table must have the word for *yes* somewhere; with
        ``*`` every other word says *no*, and it need not.
    section : str or None
        Column with the address whose history the row was taken from.
    history_of : str, optional
        The address whose history the whole table is, where no column says so: explorers export
        one address at a time.
    tags : TagMapping or None
        Name tags, if the table has any that are wanted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    chain: Annotated[str, AfterValidator(_account_chain)]
    kind: Annotated[str, Field(pattern=r"^[a-z0-9]+$")]
    source: Annotated[str, Field(min_length=1)]
    txid: str
    sender: str
    receiver: str
    amount: str | Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    amount_unit: Literal["base", "whole", "double"] = "base"
    decimals: str | _Decimals | dict[str, _Decimals] | None = None
    time: str | None = None
    time_unit: TimeUnit | None = None
    height: str | None = None
    position: str | None = None
    log_index: str | None = None
    trace_path: str | None = None
    contract: str | None = None
    token_id: str | None = None
    created: str | None = None
    symbol: str | None = None
    status: str | None = None
    result: str | None = None
    success: str = "SUCCESS"
    failure: str | _Several = ()
    section: str | None = None
    history_of: str | None = None
    tags: TagMapping | None = None

    @model_validator(mode="after")
    def _one_word_for_one_kind(self) -> DumpMapping:
        known = KINDS[chain_of(self.chain).family]
        if self.kind not in known:
            raise ValueError(f"kind is {self.kind!r}; here it is one of {', '.join(known)}")
        if self.is_native != (self.contract is None):
            wrong = "has no contract" if self.contract else "needs the column of the contract"
            raise ValueError(f"a table of kind {self.kind!r} {wrong}")
        return self

    @model_validator(mode="after")
    def _placed(self) -> DumpMapping:
        if self.time is None and self.height is None:
            raise ValueError("give the column of the time, or of the height")
        if (self.time is None) != (self.time_unit is None):
            raise ValueError("give time and time_unit together")
        if self.position is not None and self.height is None:
            raise ValueError("position is a place in a block, so give the height too")
        return self

    @model_validator(mode="after")
    def _decimals_known(self) -> DumpMapping:
        if self.is_native and self.decimals is not None and not isinstance(self.decimals, str):
            raise ValueError("the decimals of the native coin are known; leave decimals out")
        if self.amount_unit == "whole" and self.decimals is None and not self.is_native:
            raise ValueError("whole tokens need decimals: a column, a number, or one per contract")
        return self

    @model_validator(mode="after")
    def _addresses(self) -> DumpMapping:
        if self.section is not None and self.history_of is not None:
            raise ValueError("give the column of the section, or the address that all rows are of")
        given = [*self.decimals] if isinstance(self.decimals, dict) else []
        for address in [*given, *([self.history_of] if self.history_of is not None else [])]:
            try:
                canonical.parse(address, self.chain)
            except AddressError as error:
                raise ValueError(str(error)) from error
        return self

    @property
    def is_native(self) -> bool:
        """Whether the table is of the native coin."""
        return self.kind in PAYMENT_KINDS

    @property
    def one_log_one_transfer(self) -> bool:
        """Whether a place tells a transfer; a batch of ERC-1155 moves several in one log."""
        return self.kind != "erc1155"

    @property
    def failures(self) -> tuple[str, ...]:
        """The words for *no*."""
        return (self.failure,) if isinstance(self.failure, str) else self.failure

    def decimals_by_contract(self) -> dict[bytes, int]:
        """Return the decimals that are given contract by contract."""
        given = self.decimals if isinstance(self.decimals, dict) else {}
        return {canonical.parse(key, self.chain): value for key, value in given.items()}

    @classmethod
    def of(cls, table: Mapping[str, Any], *, where: str | None = None) -> DumpMapping:
        """Make a mapping of plain data, such as a table of a TOML file.

        Raises
        ------
        DumpError
            If a key is unknown or missing, or a value does not fit.
        """
        try:
            return cls.model_validate(dict(table))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(str(part) for part in first["loc"]) or "the table"
            raise DumpError(
                f"the column mapping does not fit: {key}: {first['msg']}",
                where=where,
                remedy=f"the keys are {', '.join(cls.model_fields)}",
            ) from None

    @classmethod
    def load(cls, path: str | Path) -> DumpMapping:
        """Read a mapping from a TOML file.

        Raises
        ------
        DumpError
            If the file is missing, is no TOML, or does not fit.
        """
        place = Path(path)
        try:
            table = tomllib.loads(place.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DumpError(
                "the column mapping cannot be read", where=place.name, remedy=str(error)
            ) from error
        return cls.of(table, where=place.name)

    def columns(self) -> dict[str, str]:
        """Return the column of the file for each of our names that has one.

        Of several columns of amounts the further ones are called ``amount_2`` and so on.
        """
        names = (
            "txid", "time", "height", "position", "log_index", "trace_path", "sender", "receiver",
            "created", "contract", "token_id", "symbol", "status", "result", "section",
        )  # fmt: skip
        found = {name: getattr(self, name) for name in names}
        amounts = (self.amount,) if isinstance(self.amount, str) else self.amount
        found |= {f"amount_{n}" if n > 1 else "amount": one for n, one in enumerate(amounts, 1)}
        if isinstance(self.decimals, str):
            found["decimals"] = self.decimals
        if self.tags:
            found |= {"sender_tag": self.tags.sender, "receiver_tag": self.tags.receiver}
        return {name: column for name, column in found.items() if column is not None}
