"""Says which column of somebody's statement holds what; a few exports of exchanges are known."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from chainwatch.addresses.diagnose import quoted
from chainwatch.attribution.taxonomy import known, level
from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.errors import ChainError, TagError
from chainwatch.sources.transfer_dump.mapping import TimeUnit

COLUMNS = (
    "address", "txid", "time", "asset", "network", "amount", "direction", "customer", "status",
    "label", "category",
)  # fmt: skip
"""What a column can say."""


def _chain(name: str) -> str:
    try:
        return chain_of(name).alias
    except ChainError as error:
        raise ValueError(str(error)) from error


def _concept(name: str) -> str:
    try:
        return known(name)
    except TagError as error:
        raise ValueError(str(error)) from error


def _confidence(name: str) -> str:
    try:
        level(name)
    except TagError as error:
        raise ValueError(str(error)) from error
    return name


class StatementMapping(BaseModel):
    """How the columns of a statement are to be read: a production of an exchange, a list of tags.

    Attributes
    ----------
    source : str
        Who says it, and in which document.
    address : str
        Column with the address.
    txid, time, asset, network, amount, direction, customer, status : str, optional
        Columns with what is said of a payment. Amounts stay texts: a statement is no chain data.
    time_unit : str
        How times are written, as in a mapping of transfers.
    chain : str, optional
        Chain of all rows, where no column ``network`` says it.
    networks : mapping of str to str
        Words in ``network`` to chains, where the words are the publisher's own.
    way : {'deposit', 'withdrawal'}, optional
        Which way all payments go, where no column ``direction`` says it.
    label, category : str, optional
        Columns with the name of who holds the address, and of what kind they are.
    concepts : mapping of str to str
        Words in ``category`` to concepts; a word that is not among them gives none.
    tag : str, optional
        Label of all addresses, where no column says it.
    tag_way : {'deposit', 'withdrawal'}, optional
        Only addresses of payments that go this way are tagged: a deposit address is the exchange's,
        the address of a withdrawal is anybody's.
    concept, actor, confidence : str
        What all tags say; the confidence is a level of TagPacks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    source: Annotated[str, Field(min_length=1)]
    address: str
    txid: str | None = None
    time: str | None = None
    time_unit: TimeUnit = "iso"
    asset: str | None = None
    network: str | None = None
    chain: Annotated[str, AfterValidator(_chain)] | None = None
    networks: dict[str, Annotated[str, AfterValidator(_chain)]] = {}
    amount: str | None = None
    direction: str | None = None
    way: Literal["deposit", "withdrawal"] | None = None
    customer: str | None = None
    status: str | None = None
    label: str | None = None
    category: str | None = None
    concepts: dict[str, Annotated[str, AfterValidator(_concept)]] = {}
    tag: str | None = None
    tag_way: Literal["deposit", "withdrawal"] | None = None
    concept: Annotated[str, AfterValidator(_concept)] | None = None
    actor: str | None = None
    confidence: Annotated[str, AfterValidator(_confidence)] = "unknown"

    @model_validator(mode="after")
    def _placed(self) -> StatementMapping:
        if self.network is None and self.chain is None and self.asset is None:
            raise ValueError("give the chain, or the column of the network or of the asset")
        if self.direction is not None and self.way is not None:
            raise ValueError("give the column of the direction, or the way of all, not both")
        return self

    @classmethod
    def of(cls, table: Mapping[str, Any], *, where: str | None = None) -> StatementMapping:
        """Make a mapping of plain data, such as a table of a TOML file.

        Raises
        ------
        TagError
            If a key is unknown or missing, or a value does not fit.
        """
        try:
            return cls.model_validate(dict(table))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(str(part) for part in first["loc"]) or "the table"
            raise TagError(
                f"the mapping of the statement does not fit: {key}: {first['msg']}",
                where=where, remedy=f"the keys are {', '.join(cls.model_fields)}",
            ) from None  # fmt: skip

    @classmethod
    def load(cls, path: str | Path) -> StatementMapping:
        """Read a mapping from a TOML file.

        Raises
        ------
        TagError
            If the file is missing, is no TOML, or does not fit.
        """
        place = Path(path)
        try:
            table = tomllib.loads(place.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TagError(
                "the mapping of the statement cannot be read", where=place.name, remedy=str(error)
            ) from error
        return cls.of(table, where=place.name)

    def columns(self) -> dict[str, str]:
        """Return the column of the file for each of our names that has one."""
        found = {name: getattr(self, name) for name in COLUMNS}
        return {name: column for name, column in found.items() if column is not None}


_NETWORKS = {
    "BTC": "btc", "Bitcoin": "btc", "ETH": "eth", "ERC20": "eth", "TRX": "tron", "TRC20": "tron",
    "LTC": "ltc", "BCH": "bch", "DOGE": "doge",
}  # fmt: skip

KNOWN: dict[str, StatementMapping] = {
    "Binance deposits or withdrawals": StatementMapping(
        source="Binance, deposit or withdrawal history", address="Address", txid="TXID",
        time="Date(UTC)", asset="Coin", network="Network", networks=_NETWORKS, amount="Amount",
        status="Status",
    ),
    "KuCoin withdrawals": StatementMapping(
        source="KuCoin, withdrawal record", way="withdrawal", address="Withdrawal Address/Account",
        txid="Hash", time="Time(UTC)", asset="Coin", network="Transfer Network",
        networks=_NETWORKS, amount="Amount", status="Status", customer="UID",
    ),
}  # fmt: skip
"""Exports whose header is known. Where the header is that of deposits and of withdrawals alike, the
way has to be said: a deposit goes to the exchange's own address, a withdrawal to anybody's."""


def known_mapping(header: list[str], name: str) -> tuple[str, StatementMapping]:
    """Return the known export that a header is of, and its mapping.

    Raises
    ------
    TagError
        If it is of none: then a mapping must be written.
    """
    fits = [one for one, mapping in KNOWN.items() if set(mapping.columns().values()) <= {*header}]
    if len(fits) == 1:
        return fits[0], KNOWN[fits[0]]
    shown = ", ".join(quoted(column) for column in header[:30])
    raise TagError(
        f"the header is of no export that is known; it has {shown or 'no columns'}", where=name,
        remedy=f"write a mapping, a TOML file with the keys {', '.join(COLUMNS)}, source and chain",
    )  # fmt: skip
