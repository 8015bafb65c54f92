"""The parts of what a case shows: parties, names, payments, links, ends, findings, the unread.

All are plain values and hold what the edition shows, nothing else. Texts of strangers are made
visible (:mod:`chainwatch.sanitize`). Amounts are integers in base units; a *coarse* one was rounded
by the edition, and its text says so with ``≈``.
"""

from __future__ import annotations

from dataclasses import dataclass

from chainwatch.chains.catalogue import chain as chain_of
from chainwatch.privacy.aggregate import SEVERAL
from chainwatch.privacy.edition import POOLED
from chainwatch.units import MOST_DECIMALS, to_text

COARSE = "≈"
"""Stands before an amount that the edition rounded."""

Ref = tuple[str, str]
"""A party, by chain and text: its address, its pseudonym, or the word of all who are masked."""


def chain_words(chain: str) -> str:
    """Return a chain by its short name and the id by which programs know it."""
    return f"{chain_of(chain).alias} ({chain})" if chain else "an unknown chain"


def is_masked(said: str) -> bool:
    """Tell whether a text by which a party is called is that of somebody masked."""
    return said in (POOLED, SEVERAL) or said.startswith(f"{POOLED}-")


@dataclass(frozen=True, order=True)
class ShownAsset:
    """What an amount is of.

    Attributes
    ----------
    chain : str
        CAIP-2 id.
    contract : str
        Of a token; empty for the coin of the chain.
    symbol : str
        For display only; empty where no source states it for sure.
    decimals : int or None
        For display only; None where they are not known.
    """

    chain: str
    contract: str
    symbol: str
    decimals: int | None

    def text(self, amount: int | None, *, coarse: bool = False) -> str:
        """Return an amount in coins, exactly, or in base units where the decimals are unknown."""
        if amount is None:
            return "unknown"
        coins = self.coins(amount)
        unit = f"base units of {self.symbol or 'a token'}" if coins is None else self.symbol
        said = f"{amount if coins is None else coins} {unit}".strip()
        return f"{COARSE} {said}" if coarse else said

    def coins(self, amount: int | None) -> str | None:
        """Return an amount in coins, as a plain decimal without its unit.

        None where the amount or the decimals are unknown, or there are more decimals than a token
        is believed (:data:`chainwatch.units.MOST_DECIMALS`): base units are never taken for coins.
        """
        usable = self.decimals is not None and 0 <= self.decimals <= MOST_DECIMALS
        return to_text(amount, self.decimals or 0) if usable and amount is not None else None


@dataclass(frozen=True)
class Name:
    """Who says what of an address: one tag.

    Attributes
    ----------
    label, actor : str
        The name, and the id of the actor; either may be empty.
    concepts : tuple of str
        What it is said to be, sorted: ``exchange``, ``vendor``, ...
    source, pack : str
        Where it was published, and the file in which it was read.
    as_of, first_day, last_day : str
        The day on which the source said so, and from when to when it holds; ISO, or empty.
    level : int or None
        How sure its publisher is, 0 to 100: confidence in *attribution*.
    confidence : str
        The same in TagPack's word.
    """

    label: str
    actor: str
    concepts: tuple[str, ...]
    source: str
    pack: str
    as_of: str
    first_day: str
    last_day: str
    level: int | None
    confidence: str


@dataclass(frozen=True)
class ShownParty:
    """An address, or somebody masked.

    Attributes
    ----------
    chain : str
        CAIP-2 id.
    text : str
        The address, a pseudonym, or the word under which several masked parties stand.
    masked : bool
        Whether it is somebody masked; then ``text`` is no address.
    shared : bool
        Whether several parties stand under this word, shown ones perhaps among them: two rows need
        not mean the same one.
    role : str
        ``subject``, ``finding``, ``service`` or ``bystander``.
    names : tuple of Name
        What tags say of it, the surest first.
    cluster : str
        Text of the address by which its cluster is called; empty where nothing joins it.
    """

    chain: str
    text: str
    masked: bool
    shared: bool
    role: str
    names: tuple[Name, ...]
    cluster: str

    @property
    def ref(self) -> Ref:
        """By what payments and links name it."""
        return self.chain, self.text

    @property
    def name(self) -> str:
        """The surest name that it has; empty where nobody gives it one."""
        return self.names[0].label if self.names else ""


@dataclass(frozen=True)
class Payment:
    """A row that says who paid whom.

    Attributes
    ----------
    chain : str
        CAIP-2 id.
    txid : str
        Empty where it is withheld, or none is known.
    withheld : bool
        Whether the edition withholds the transaction.
    place : int or None
        Place of the output, or of the transfer in its block, where it is shown.
    time : str
        As the edition shows it: ISO 8601 in UTC, a month such as ``2023-07``, or empty.
    source, target : Ref or None
        Who pays and who is paid; None where that has no address, or none was read.
    asset : ShownAsset
        What is paid.
    amount : int or None
        Base units; None is *unknown*.
    coarse : bool
        Whether the edition rounded amount and time.
    rows : str
        How many payments it adds up, as a band; empty where it is one.
    measure : str
        What the amount is: ``traced value (fifo)`` is a part of what was paid, no more.
    doubt : str
        What speaks against it being a payment as it looks; empty where nothing does.
    table : str
        In which table of the case it stands.
    moved : bool
        Whether the amount is what was moved, all of it; False of a traced value, of any other
        measure, and where nobody says so.
    """

    chain: str
    txid: str
    withheld: bool
    place: int | None
    time: str
    source: Ref | None
    target: Ref | None
    asset: ShownAsset
    amount: int | None
    coarse: bool
    rows: str
    measure: str
    doubt: str
    table: str
    moved: bool = False

    @property
    def text(self) -> str:
        """The amount in coins."""
        return self.asset.text(self.amount, coarse=self.coarse)


@dataclass(frozen=True)
class OwnerLink:
    """A reason to think that two addresses have one owner.

    Attributes
    ----------
    a, b : Ref
        The two.
    rule : str
        Which rule says so.
    txid, time : str
        Of the transaction that it rests on; empty where it is withheld or rests on none.
    withheld : bool
        Whether the edition withholds the transaction.
    rate : float or None
        What its table has in the column ``confidence``: the share of such links that were right
        where they were counted, and no more than so few cases can show. It is no chance that this
        link is right; :func:`chainwatch.case.exports.shown.confidence.control` says what it is.
        None where no measured rate stands behind it.
    joins : bool or None
        Whether it joined them; False where a veto refused it, None where that is undecided, or
        not shown because the row is coarse.
    coarse : bool
        Whether the edition rounded its time.
    rows : str
        How many links it adds up, as a band; empty where it is one.
    """

    a: Ref
    b: Ref
    rule: str
    txid: str
    time: str
    withheld: bool
    rate: float | None
    joins: bool | None
    coarse: bool
    rows: str


@dataclass(frozen=True)
class End:
    """Where following stops, and why.

    ``party`` is None where the value has no address; ``service`` is empty where none is named;
    ``certainty`` is how sure it is that the address is the service's: confidence in *control*.
    """

    chain: str
    party: Ref | None
    txid: str
    withheld: bool
    time: str
    asset: ShownAsset
    amount: int | None
    coarse: bool
    rows: str
    reason: str
    detail: str
    service: str
    certainty: str
    basis: str
    measure: str


@dataclass(frozen=True)
class ShownFinding:
    """A section of the report in words.

    ``digest`` is that of its content, keyed where the edition masks.
    """

    title: str
    headline: str
    text: tuple[str, ...]
    innocent: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class Unread:
    """Something that was not read, as a statement of its own.

    ``amount`` is None where nobody knows how much; ``count`` is a number, a band, or empty.
    """

    what: str
    chain: str
    count: str
    asset: ShownAsset | None
    amount: int | None
    coarse: bool
    note: str

    @property
    def text(self) -> str:
        """Return it as a sentence."""
        told = [f"Not read: {self.what}"]
        told += [f"on {chain_words(self.chain)}"] if self.chain else []
        told += [f"count {self.count}"] if self.count else []
        if self.asset is not None:
            told.append(f"amount {self.asset.text(self.amount, coarse=self.coarse)}")
        else:
            told.append("amount unknown" if self.amount is None else f"amount {self.amount}")
        return ", ".join(told) + "." + (f" {self.note}" if self.note else "")
