"""Who owns which address: what rules and clusters are held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from chainwatch.clusters.numbering import PLACE
from chainwatch.errors import InputError, expect

_COLUMNS = {"chain": pl.String, "address": pl.Binary, "owner": pl.String}

_KINDS = {"chain": pl.String, "txid": pl.Binary, "kind": pl.String}

UNKNOWN_KIND = "not told"
"""Kind of a transaction of which the truth says nothing, and of a link without a transaction."""


@dataclass(frozen=True)
class Truth:
    """Known owners of addresses.

    An address can have had two owners: a key that was sold or imported. Nothing is said of pairs
    that turn on such an address, unless no owner of the one ever held the other.

    Attributes
    ----------
    frame : polars.DataFrame
        ``chain, address, owner``: CAIP-2 id, canonical bytes, any name. Other columns are left out.
    basis : str
        Where the owners come from, in a few words: it stands wherever a figure does.
    kinds : polars.DataFrame
        ``chain, txid, kind``: what transactions are in truth, to tell errors apart; may be empty.
    inferred_from : str
        What owners were inferred from, such as shared spending; nothing where somebody knows them.
        Whatever rests on the same cannot be judged by them.

    Raises
    ------
    InputError
        If a column is missing, of another type, or null.
    """

    frame: pl.DataFrame
    basis: str
    kinds: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_KINDS))
    inferred_from: str = ""

    def __post_init__(self) -> None:
        expect(self.frame, pl.DataFrame, "truth", "pass a frame with chain, address and owner")
        expect(self.basis, str, "basis", "say where the owners come from")
        for name, kind in _COLUMNS.items():
            if self.frame.schema.get(name) != kind:
                raise InputError(
                    f"column {name!r} of the truth is missing or not of type {kind}",
                    remedy="pass chain and owner as text, address as canonical bytes",
                )
            if self.frame[name].null_count():
                raise InputError(
                    f"column {name!r} of the truth holds a null",
                    remedy="leave out the addresses whose owner is not known",
                )
        rows = self.frame.select(*_COLUMNS).unique().sort(*_COLUMNS)
        object.__setattr__(self, "frame", rows)

    def refuse_inferred(self, what: str) -> None:
        """Refuse to judge by owners that were themselves inferred.

        Parameters
        ----------
        what : str
            What is to be judged, for the message.

        Raises
        ------
        InputError
            If these owners were inferred from anything.
        """
        if self.inferred_from:
            raise InputError(
                f"{what} cannot be judged by owners inferred from {self.inferred_from}, on which"
                " they rest themselves",
                remedy="pass owners that somebody knows, such as simulated ones",
            )

    @cached_property
    def single(self) -> pl.DataFrame:
        """The addresses that have one owner: ``chain, address, owner``."""
        return self.frame.filter(~pl.struct(PLACE).is_duplicated())

    @cached_property
    def shared(self) -> pl.DataFrame:
        """The addresses that have had several owners: ``chain, address``."""
        return (
            self.frame.filter(pl.struct(PLACE).is_duplicated()).select(PLACE).unique().sort(PLACE)
        )

    @cached_property
    def _owners(self) -> pl.DataFrame:
        return self.frame.group_by(*PLACE).agg(pl.col("owner").sort().alias("owners"))

    def judge(self, links: pl.DataFrame) -> pl.DataFrame:
        """Return links with the owners of either end and whether the ends have one owner.

        Parameters
        ----------
        links : polars.DataFrame
            Rows with ``chain, a, chain_b, b``.

        Returns
        -------
        polars.DataFrame
            The rows, in their order, with ``owners_a``, ``owners_b`` (lists), ``kind`` of the
            transaction, and ``right``: true where both ends have the same one owner, false where no
            owner of the one ever held the other, null where that cannot be told.
        """
        found = links
        for side, chain in (("a", "chain"), ("b", "chain_b")):
            known = self._owners.rename({"owners": f"owners_{side}"})
            found = found.join(
                known, left_on=[chain, side], right_on=list(PLACE), how="left",
                maintain_order="left",
            )  # fmt: skip
        found = found.join(self.kinds, on=["chain", "txid"], how="left", maintain_order="left")
        one, other = pl.col("owners_a"), pl.col("owners_b")
        sure = (one.list.len() == 1) & (other.list.len() == 1) & (one.list[0] == other.list[0])
        apart = one.list.set_intersection(other).list.len() == 0
        return found.with_columns(
            pl.when(sure).then(pl.lit(True)).when(apart).then(pl.lit(False)).alias("right"),
            pl.col("kind").fill_null(UNKNOWN_KIND),
        )
