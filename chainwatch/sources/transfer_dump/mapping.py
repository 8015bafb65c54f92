"""Says which column of a table of transfers holds what: small, explicit, nothing guessed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from chainwatch.addresses.assets import NATIVE_KINDS
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import ChainError, DumpError


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


KINDS = {
    "evm": (*NATIVE_KINDS, "erc20", "erc721", "erc1155"),
    "tron": (*NATIVE_KINDS, "trc20", "trc721"),
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
    txid, time, sender, receiver, amount : str
        Names of columns. Amounts are whole base units.
    time_unit : str
        ``s`` or ``ms`` since 1970, or ``iso`` text (without a zone it is UTC).
    contract : str or None
        Column with the token contract; needed for tokens, None for the native asset.
    symbol, decimals, status : str or None
        Columns kept for display, verbatim.
    result, success : str or None, str
        Column that says whether the transfer took effect, and the word for *yes*.
    section : str or None
        Column with the address whose history the row was taken from.
    tags : TagMapping or None
        Name tags, if the table has any that are wanted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    chain: Annotated[str, AfterValidator(_account_chain)]
    kind: Annotated[str, Field(pattern=r"^[a-z0-9]+$")]
    source: Annotated[str, Field(min_length=1)]
    txid: str
    time: str
    time_unit: Literal["s", "ms", "iso"]
    sender: str
    receiver: str
    amount: str
    contract: str | None = None
    symbol: str | None = None
    decimals: str | None = None
    status: str | None = None
    result: str | None = None
    success: str = "SUCCESS"
    section: str | None = None
    tags: TagMapping | None = None

    @model_validator(mode="after")
    def _one_word_for_one_kind(self) -> DumpMapping:
        known = KINDS[chain_of(self.chain).family]
        if self.kind not in known:
            raise ValueError(f"kind is {self.kind!r}; here it is one of {', '.join(known)}")
        if (self.kind in NATIVE_KINDS) != (self.contract is None):
            wrong = "has no contract" if self.contract else "needs the column of the contract"
            raise ValueError(f"a table of kind {self.kind!r} {wrong}")
        return self

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
        """Return the column of the file for each of our names that has one."""
        names = (
            "txid", "time", "sender", "receiver", "amount", "contract", "symbol", "decimals",
            "status", "result", "section",
        )  # fmt: skip
        found = {name: getattr(self, name) for name in names}
        if self.tags:
            found |= {"sender_tag": self.tags.sender, "receiver_tag": self.tags.receiver}
        return {name: column for name, column in found.items() if column is not None}
