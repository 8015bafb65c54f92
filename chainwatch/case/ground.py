"""What the questions of a case file rest on: what was read, and what its recipes followed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from chainwatch.addresses.assets import Asset, native
from chainwatch.attribution.tags import Tags
from chainwatch.case.ends import ByCustody, by_custody
from chainwatch.case.file.follow_keys import Follow
from chainwatch.case.file.keys import Token
from chainwatch.case.file.model import inside
from chainwatch.chains.base import Chain
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.clusters.cluster import Clusters
from chainwatch.clusters.recipe import owners
from chainwatch.errors import CaseError
from chainwatch.heuristics.poisoning import poisoning
from chainwatch.heuristics.rule import Rule
from chainwatch.ledger.ledger import Ledger
from chainwatch.ledger.lookup.what_was_read import WhatWasRead, what_was_read
from chainwatch.privacy.people.result import PeopleRoles
from chainwatch.privacy.people.roles import roles
from chainwatch.tracing.result import Trace


@dataclass(frozen=True)
class Part:
    """What a recipe followed: the value of some subjects in one asset.

    Attributes
    ----------
    trace : Trace
        Every branch to its end.
    subjects : polars.DataFrame
        Whose value: ``chain, address``.
    held : ByCustody
        At whose addresses it ended by what they do.
    follow : Follow
        How it was followed.
    called : str
        How headings call it; nothing in a case of one part.
    owners : Clusters or None
        Who is taken to hold which addresses; None on chains of accounts.
    mixes : Rule or None
        At which transactions it ended as mixes; None on chains of accounts.
    lure : Rule or None
        Which transfers only look like payments; None on coin chains.
    """

    trace: Trace
    subjects: pl.DataFrame
    held: ByCustody
    follow: Follow
    called: str = ""
    owners: Clusters | None = None
    mixes: Rule | None = None
    lure: Rule | None = None

    @property
    def asset(self) -> Asset:
        """What was followed."""
        return self.trace.asset


@dataclass(frozen=True)
class Ground:
    """What questions rest on.

    Attributes
    ----------
    ledger : Ledger
        All that was read, of one chain or several.
    tags : Tags
        All tags of the case.
    base : path
        The data folder: no path of a case file leads out of it.
    parts : tuple of Part
        What was followed: of ``[subjects]``, then of each ``[[also]]``.
    """

    ledger: Ledger
    tags: Tags
    base: Path
    parts: tuple[Part, ...]

    @cached_property
    def subjects(self) -> pl.DataFrame:
        """The subjects of all parts, each once: ``chain, address``."""
        rows = pl.concat([one.subjects.select("chain", "address") for one in self.parts])
        return rows.unique(maintain_order=True)

    @cached_property
    def read(self) -> WhatWasRead:
        """What was read of each chain, and up to when."""
        return what_was_read(self.ledger)

    @cached_property
    def owners(self) -> Clusters:
        """Who is taken to hold which addresses on coin chains: as the case has it, or its default.

        A case that follows no coins joins addresses as ``cw.owners`` does.
        """
        made = next((one.owners for one in self.parts if one.owners is not None), None)
        return made if made is not None else owners(self.ledger, tags=self.tags)

    def people(self, asset: Asset, small: int | None) -> PeopleRoles:
        """Return who is a likely consumer, a small donor or a victim in an asset, or may be one.

        Of those who deal with the subjects of the case and with whom its tags name.
        """
        here = self.subjects.filter(pl.col("chain") == asset.chain)
        whom = here if here.height else self.tags.where(chain=asset.chain)
        joined = self.owners if find_chain(asset.chain).family == "utxo" else None
        return roles(
            self.ledger.chain_only(find_chain(asset.chain)), whom, tags=self.tags,
            clusters=joined, asset=asset, small=small,
        )  # fmt: skip

    def file(self, path: str) -> Path:
        """Return a file that a question names, inside the data folder."""
        return inside(self.base, path)

    def chain(self, name: str) -> Chain:
        """Return a chain that a question names.

        Raises
        ------
        CaseError
            If no source of the case read it.
        """
        found, read = find_chain(name), self.ledger.chains
        if found not in read:
            raise CaseError(
                f"nothing of the chain {found.alias} was read",
                remedy=f"name one that was ({', '.join(one.alias for one in read)}), or add its"
                " source",
            )
        return found

    def asset(self, token: Token | None, chain: str | None) -> Asset:
        """Return the asset that a question names; else that of the case on a chain, or its coin."""
        if token is not None:
            asset = token.asset("asset")
            if chain is not None and chain != asset.chain:
                raise CaseError(
                    f"the asset is on {find_chain(asset.chain).alias}, not on"
                    f" {find_chain(chain).alias}",
                    remedy="leave out chain",
                )
        elif chain is None:
            asset = self.parts[0].asset
        else:
            followed = (one.asset for one in self.parts if one.asset.chain == chain)
            asset = next(followed, native(chain))
        self.chain(asset.chain)
        return asset

    def part(self, asset: Asset) -> Part | None:
        """Return what was followed in an asset; None where nothing was."""
        return next((one for one in self.parts if one.asset == asset), None)

    def follow(self, asset: Asset) -> Follow:
        """Return how the case follows an asset; how it follows its first, where it does not."""
        return (self.part(asset) or self.parts[0]).follow

    def lure(self, asset: Asset) -> Rule | None:
        """Return which transfers of an asset only look like payments, as the case judges them.

        Of an asset that the case does not follow nobody said what a trifle is: there those of
        nothing alone are meant.
        """
        if find_chain(asset.chain).family == "utxo":
            return None
        part = self.part(asset)
        return poisoning(0) if part is None else part.lure

    def held(self, asset: Asset, follow: Follow | None = None) -> ByCustody:
        """Return whose addresses of an asset are held by services, by what they do.

        As the case judges it, or as ``follow`` asks.
        """
        part, how = self.part(asset), follow or self.follow(asset)
        if part is not None and how == part.follow:
            return part.held
        return by_custody(self.ledger, self.tags.services(), asset, how, self.lure(asset))
