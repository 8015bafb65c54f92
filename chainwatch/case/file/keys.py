"""What several tables of a case file share: strict keys, texts, chains, assets, opened ends."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic import Strict as OfType

from chainwatch.addresses.assets import Asset, native, token
from chainwatch.case.marking import LABELS, plain_label
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import CaseError


class OfKey(ValueError):
    """What several keys of a table together make wrong, told at the line of one of them.

    Parameters
    ----------
    said : str
        What is wrong, and behind a semicolon what to do.
    key : str
        The key that is to be looked at.
    """

    def __init__(self, said: str, key: str) -> None:
        super().__init__(said)
        self.key = key


class Strict(BaseModel):
    """A table of which every key is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def listed(given: Any) -> Any:
    """Return one text as a list of one."""
    return [given] if isinstance(given, str) else given


def _text_or_list(schema: dict[str, Any]) -> None:
    """Let one text stand for a list of one, as it does in the file."""
    listed = {name: schema.pop(name) for name in ("type", "items", "minItems") if name in schema}
    schema["anyOf"] = [{"type": "string"}, listed]


Texts = Annotated[tuple[str, ...], BeforeValidator(listed), Field(json_schema_extra=_text_or_list)]
"""Texts; one alone may stand without brackets."""

SomeTexts = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    BeforeValidator(listed),
    Field(json_schema_extra=_text_or_list),
]
"""The same, at least one."""


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("it is blank; say it in a few words")
    return text


Said = Annotated[str, AfterValidator(_said)]
"""A text that says something."""

MOST_UNITS = 10**38 - 1
"""No amount of a ledger is wider: what is, is an unknown amount."""

MOST_DAYS = 100_000
"""Longer than there have been chains, and no more than a span of time can be."""

Whole = Annotated[int, OfType()]
Flag = Annotated[bool, OfType()]
"""A whole number, and true or false: nothing else is taken for one."""


def _known_chain(name: str) -> str:
    return find_chain(name).id


ChainName = Annotated[str, AfterValidator(_known_chain)]
"""A chain, written by its alias or CAIP-2 id, kept as the latter."""


class Token(Strict):
    """The token of an account chain, by contract; without a contract it is the chain's coin."""

    chain: Annotated[ChainName, Field(description="Alias or CAIP-2 id.")]
    contract: Annotated[str | None, Field(description="Without one: the coin of the chain.")] = None
    symbol: Annotated[str | None, Field(description="As it is shown.")] = None
    decimals: Annotated[
        int | None, Field(ge=0, le=38, description="Digits behind the point, as it is shown.")
    ] = None

    @model_validator(mode="after")
    def _shown(self) -> Token:
        if self.contract is not None and (self.symbol is None or self.decimals is None):
            raise ValueError("give the symbol and the decimals of the token beside its contract")
        return self

    def asset(self, where: str = "[asset]") -> Asset:
        """Return the asset that the table names, or say at ``where`` why it is none."""
        if self.contract is not None:
            return token(self.chain, self.contract, self.symbol or "", self.decimals or 0)
        coin = native(self.chain)
        if self.symbol not in (None, coin.symbol) or self.decimals not in (None, coin.decimals):
            raise CaseError(
                f"{where} names no contract, which is {coin.symbol} of {coin.decimals} decimals,"
                " and another symbol or other decimals",
                where=where,
                remedy="name the token's contract, or leave symbol and decimals out",
            )
        return coin


class OpenedEnd(Strict):
    """An end by custody behind which following goes on, and why a person wants that."""

    address: Annotated[str, Field(description="Where following goes on.")]
    why: Annotated[str, Field(min_length=1, description="The reason, which the report gives.")]


def _as_printed(given: Any) -> Any:
    """Return a label of the Traffic Light Protocol as it is printed, however it was typed."""
    found = plain_label(given) if isinstance(given, str) else ""
    return found if found in LABELS else given


class Planned(Strict):
    """What is decided of a case before it is computed."""

    hypothesis: Annotated[
        str, Field(description="What is expected, written down before it is computed.")
    ] = ""
    planned_policy: Annotated[
        str, Field(description="By which policy value will be followed; the report tells it.")
    ] = ""
    tlp: Annotated[
        Literal["", "RED", "AMBER+STRICT", "AMBER", "GREEN", "CLEAR"],
        BeforeValidator(_as_printed),
        Field(
            description="How far an edition may travel, by the Traffic Light Protocol 2.0; if not"
            " given, AMBER+STRICT, and RED for the working edition."
        ),
    ] = ""
