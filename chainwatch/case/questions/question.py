"""A question of a case file: a table whose keys are declared, and the results that answer it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Annotated, ClassVar, NamedTuple

import polars as pl
from pydantic import Field

from chainwatch.addresses.assets import Asset
from chainwatch.case.file.keys import ChainName, Strict, Texts, Token
from chainwatch.case.ground import Ground
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import CaseError
from chainwatch.results.headed import headed
from chainwatch.results.result import Finding, Result
from chainwatch.tracing.named import Party, parties_named


class Answer(NamedTuple):
    """A result that answers a question, and how headings call it.

    Two results of one kind have the same headings: without names of their own nobody could tell
    whose a section is.
    """

    result: Result
    called: str = ""

    def told(self, subjects: pl.DataFrame) -> Iterator[Result]:
        """Yield its findings under headings of their own, then itself.

        Parameters
        ----------
        subjects : polars.DataFrame
            Those of the case: ``chain, address``.
        """
        if isinstance(self.result, Finding):
            yield headed(self.result, self.called)
            return
        yield from (headed(one, self.called) for one in self.result.findings(subjects))
        yield self.result


class Question(Strict, ABC):
    """Keys of one table, and how it is answered.

    A question of one's own derives from it, adds its keys, and joins with one call of
    :func:`chainwatch.case.analyses.register_question`. Its docstring stands in the schema and on
    the page of the case file. A key has the name of the parameter of the verb that it goes to.
    """

    parties: ClassVar[tuple[str, ...]] = ()
    """Keys whose texts name somebody: addresses, or actor, label or concept of tags."""

    name: Annotated[
        str, Field(max_length=80, description="How headings of the report call it.")
    ] = ""

    @abstractmethod
    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield what was found, in the order in which a report tells it.

        Parameters
        ----------
        ground : Ground
            What was read, and what the case followed.

        Raises
        ------
        ChainwatchError
            If it cannot be answered: the case is then not written.
        """


class OfAsset(Question, ABC):
    """A question on one asset of one chain, and on somebody there."""

    chain: Annotated[
        ChainName | None, Field(description="Where; that of [subjects], if not given.")
    ] = None
    asset: Annotated[
        Token | None,
        Field(description="In what; what the case follows there, or else the coin, if not given."),
    ] = None

    def what(self, ground: Ground) -> Asset:
        """Return the asset that is meant."""
        return ground.asset(self.asset, self.chain)


def whom(named: Texts, ground: Ground, asset: Asset) -> Party:
    """Return who is named: addresses, outputs and names of tags; else the subjects of the chain.

    Raises
    ------
    CaseError
        If nobody is named, and the case has no subject there.
    """
    if named:
        return parties_named(named, ground.tags, asset.chain)
    here = ground.subjects.filter(pl.col("chain") == asset.chain)
    if here.is_empty():
        raise CaseError(
            f"the case has no subject on {find_chain(asset.chain).alias}",
            remedy="name the source",
        )
    return here
