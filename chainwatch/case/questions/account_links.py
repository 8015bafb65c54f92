"""``[[account_links]]``: accounts that may have one owner, by what they do, as leads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from chainwatch.case.file.keys import ChainName, Token
from chainwatch.case.file.owner_keys import AccountRule
from chainwatch.case.findings.account_leads import leads_finding
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.clusters.recipe import WITH_ACCOUNTS
from chainwatch.errors import CaseError
from chainwatch.heuristics.accounts.account_links import account_links
from chainwatch.heuristics.accounts.catalogue import DEFAULT
from chainwatch.heuristics.written import account_rule_written
from chainwatch.ledger.ledger import Ledger
from chainwatch.tracing.custody.hosted import Hosted


class AccountLinks(Question):
    """Ask which accounts may have one owner, by what they do, on chains of accounts.

    Links are leads: none joins anybody in a case, and no trace of it rests on one. Deposit
    addresses are known by tags, and where custody is judged.
    """

    rules: Annotated[
        tuple[AccountRule, ...],
        Field(description="Which are asked, with their numbers: first_funder(funded=10)."),
    ] = tuple(rule.name for rule in DEFAULT)  # fmt: skip
    at_least: Annotated[
        float,
        Field(
            ge=0, le=1,
            description="Links of rules that are not shown to be right in such a share are"
            " undecided; today no rule reaches nine in ten.",
        ),
    ] = WITH_ACCOUNTS.accounts_at_least  # fmt: skip
    hosted: Annotated[
        tuple[Token, ...] | None,
        Field(
            description="Assets in which custody is judged, for deposit_reuse_known; [] judges"
            " none, and what the case follows counts, if not given."
        ),
    ] = None
    chain: Annotated[
        ChainName | None, Field(description="Which; every chain of accounts, if not given.")
    ] = None

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the leads that touch subjects, and all links."""
        ledger = self._ledger(ground)
        links = account_links(
            ledger, tags=ground.tags, hosted=self._judged(ground), at_least=self.at_least,
            rules=[account_rule_written(text) for text in self.rules],
        )  # fmt: skip
        told = leads_finding(links, ground.subjects, at_least=self.at_least)
        yield Answer(told, self.name)
        yield Answer(links, self.name)

    def _ledger(self, ground: Ground) -> Ledger:
        read = ground.ledger if self.chain is None else ground.ledger.chain_only(
            ground.chain(self.chain)
        )  # fmt: skip
        if not any(one.family != "utxo" for one in read.chains):
            raise CaseError(
                "rules on accounts ask chains of accounts, and none was read",
                remedy="leave [[account_links]] out: on coin chains the case joins what is spent"
                " together",
            )
        return read

    def _judged(self, ground: Ground) -> list[Hosted]:
        """Return whose custody is judged: in the assets that are named, or that the case follows.

        A coin chain has no such rule.
        """
        if self.hosted is None:
            followed = [one.asset for one in ground.parts if one.lure is not None]
            assets = list(dict.fromkeys(followed))
        else:
            assets = [ground.asset(one, None) for one in self.hosted]
        return [ground.held(asset).hosts for asset in assets]
