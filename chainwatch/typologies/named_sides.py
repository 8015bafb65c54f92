"""Whom tags name at an address on a day, as numbers beside payments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chainwatch.attribution.resolve import (
    Framed,
    Sayings,
    clustered,
    ranked,
    rivals,
    speaking,
    statements_of,
)
from chainwatch.typologies.flows import Name
from chainwatch.typologies.lists import NOBODY


def sayings_of(tags: Framed | None, clusters: Framed | None, chain: str) -> Sayings:
    """Return what tags say of each address: of it, and of its cluster where publishers say so."""
    if tags is None:
        return {}
    own = statements_of(tags.frame, chain)
    spread = clustered(own, clusters, chain)
    both = {address: (*own.get(address, ()), *told) for address, told in spread.items()}
    return {**own, **{address: ranked(told) for address, told in both.items()}}


@dataclass
class NamedSides:
    """Names by place, each once, as payments are met that tags speak of.

    Attributes
    ----------
    sayings : mapping
        What tags say of each address, the most confident first.
    """

    sayings: Sayings
    _places: dict[Name, int] = field(default_factory=dict)

    @property
    def names(self) -> tuple[Name, ...]:
        """The names that were given out so far, by their places."""
        return tuple(self._places)

    @property
    def addresses(self) -> pl.Series:
        """The tagged addresses, sorted."""
        return pl.Series("address", sorted(self.sayings), pl.Binary)

    def of(self, addresses: pl.Series, times: pl.Series) -> NDArray[np.int32]:
        """Return of each address at a time the place of its name; ``NOBODY`` where none holds."""
        rows = pl.DataFrame({"address": addresses, "day": times.dt.date()})
        pairs = rows.drop_nulls("address").unique().join(
            self.addresses.to_frame(), on="address", how="semi"
        )  # fmt: skip
        told = [
            (address, day, self._place(address, day))
            for address, day in pairs.sort("address", "day").iter_rows()
        ]
        schema: Mapping[str, pl.DataType | type[pl.DataType]] = {
            "address": pl.Binary, "day": pl.Date, "name": pl.Int32,
        }  # fmt: skip
        found = pl.DataFrame(told, schema=schema, orient="row")
        joined = rows.join(found, on=["address", "day"], how="left", maintain_order="left",
                           nulls_equal=True)  # fmt: skip
        return joined["name"].fill_null(NOBODY).to_numpy().copy()

    def _place(self, address: bytes, day: object) -> int:
        said = self.sayings[address]
        one = speaking(said, day)  # type: ignore[arg-type]  # a date, as polars gives it
        if one is None:
            return NOBODY
        actors = rivals(said, day)  # type: ignore[arg-type]  # a date, as polars gives it
        name = Name(one.actor if len(actors) < 2 else None, one.concept)
        return self._places.setdefault(name, len(self._places))
