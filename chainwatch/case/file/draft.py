"""``Draft``: a few answers of a person, made into the text of a case file that fits its model.

Whatever the answers hold stands in the file as text: nothing of it can open a table or a key.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import fill

from chainwatch.addresses.assets import Asset
from chainwatch.addresses.canonical import text as address_text
from chainwatch.case.file.model import CaseFile, parse_case
from chainwatch.chains.catalogue import chain as find_chain
from chainwatch.errors import CaseError, InputError
from chainwatch.sources.catalogue import LEDGER
from chainwatch.tracing.policies import POLICIES

SERVERS = {"utxo": "esplora", "evm": "explorer", "tron": "trongrid"}
"""The source that the address of a server means, by the family of the chain."""

SERVER, BLOCK_FILES, TABLE = "server", "block-files", "table"

BY_TAG = ("concept:", "label:")
"""How subjects are named by what tags call them, instead of by address."""

HEAD = """\
# A case file. `chainwatch run FILE --check` says what it would read, whom it would ask, and writes
# nothing; `chainwatch run FILE` works it. docs/case-file.md tells every key. To let an editor
# complete and check them: `chainwatch schema > case.schema.json`, and as the first line here
# #:schema ./case.schema.json

[case]
name = {name}
title = {title}
question = {question}
investigator = {investigator}
# What may leave the desk. "working" beside it masks nobody, and takes a working_reason and a
# working_authority.
editions = ["disclosure"]
"""

FOLLOW = """\
[follow]
# How balances are divided:
{policies}
# The report has all of them side by side: say here which one you chose before you saw that.
policy = {policy}
# At whose addresses value ends by what they do: "deposits", or "roles" for all wallets of services.
custody = "deposits"
# End after so many payments, or below so many base units:
#max_hops = 10
#min_amount = 100_000
"""

MORE = """\
# Questions are asked by tables of their own, each as often as needed. Take away the # in front.
#[[paths]]                     # the best routes to whom tags call so
#target = "harbour"
#[[link_tests]]                # are links to a network more than chance?
#network = "the network's name in the tags"
#[[action_sheets]]             # where somebody could act
"""


@dataclass(frozen=True)
class Data:
    """Where the data of a case is.

    Attributes
    ----------
    kind : str
        The kind of its source; :data:`SERVER` where the chain decides whose interface it has.
    place : str
        A path inside the data folder, or the address of a server.
    """

    kind: str
    place: str


@dataclass(frozen=True)
class Draft:
    """What a case file is made of.

    Attributes
    ----------
    name, question, investigator : str
        What the case is called and asks, and who works on it.
    whom : tuple of str
        Addresses, or one text that begins with one of :data:`BY_TAG`.
    asset : Asset
        What is followed, which says where.
    data : Data
        Where the data is.
    tags : tuple of str
        Paths of tags, inside the data folder.
    policy : str
        How balances are divided.
    """

    name: str
    question: str
    whom: tuple[str, ...]
    asset: Asset
    data: Data
    investigator: str = "not stated"
    tags: tuple[str, ...] = ()
    policy: str = "fifo"

    def __post_init__(self) -> None:
        check_whom(self.whom, self.data, self.tags)

    def text(self) -> str:
        """Return the case file, with comments; it fits the model.

        Raises
        ------
        CaseError
            If a source or an answer does not fit.
        """
        made = "\n".join([
            HEAD.format(
                name=toml_text(self.name), title=toml_text(self._title()),
                question=toml_text(self.question), investigator=toml_text(self.investigator),
            ),
            "".join(self._source()), "".join(self._tags()), "".join(self._subjects()),
            FOLLOW.format(
                policies=fill(
                    ", ".join(one.name for one in POLICIES), 98, initial_indent="# ",
                    subsequent_indent="# ",
                ),
                policy=toml_text(self.policy),
            ),
            MORE,
        ])  # fmt: skip
        read_text(made)
        return made

    def _title(self) -> str:
        words = self.name.replace("_", " ").replace("-", " ")
        return words[:1].upper() + words[1:]

    def _source(self) -> Iterator[str]:
        chain = f"chain = {toml_text(find_chain(self.asset.chain).alias)}\n"
        kind, place = self.data.kind, toml_text(self.data.place)
        if kind == LEDGER:
            yield "# A ledger that exists: nothing is read into it. commit = 3 keeps to what it"
            yield f' held then.\n[[sources]]\nkind = "ledger"\npath = {place}\n'
        elif kind == BLOCK_FILES:
            yield f'[[sources]]\nkind = "block-files"\npaths = [{place}]\n{chain}'
        elif kind == TABLE:
            yield "# A table whose header is known; any other is of the kind transfers, with a"
            yield f' mapping.\n[[sources]]\nkind = "table"\npath = {place}\n{chain}'
        else:
            kind = SERVERS[find_chain(self.asset.chain).family]
            yield "# This server learns the addresses below: only where --only-hosts names it.\n"
            yield f"[[sources]]\nkind = {toml_text(kind)}\nurl = {place}\n{chain}"
            yield f"addresses = {_listed(self.whom)}\n"
            if kind == "explorer" and "blockscout" in place.casefold():
                yield 'api = "blockscout"\n'

    def _tags(self) -> Iterator[str]:
        if not self.tags:
            yield "# Tags say who is a service: there value ends. Name a file or folder of them:\n"
            yield '#[[tags]]\n#path = "tags"\n'
        for one in self.tags:
            yield f"[[tags]]\npath = {toml_text(one)}\n"

    def _subjects(self) -> Iterator[str]:
        yield "# Whom the case follows; [[also]] adds others, on other chains too.\n[subjects]\n"
        yield f"chain = {toml_text(find_chain(self.asset.chain).alias)}\n"
        key, _, said = self.whom[0].partition(":")
        if self.whom[0].startswith(BY_TAG):
            yield f"{key} = {toml_text(said.strip())}\n"
        else:
            yield f"addresses = {_listed(self.whom)}\n"
        if self.asset.contract is not None:
            yield "\n# By contract: a symbol is not a token.\n[asset]\n"
            yield f"chain = {toml_text(find_chain(self.asset.chain).alias)}\n"
            contract = address_text(self.asset.contract, self.asset.chain)
            yield f"contract = {toml_text(contract)}\n"
            yield f"symbol = {toml_text(self.asset.symbol)}\ndecimals = {self.asset.decimals}\n"


def check_whom(whom: Sequence[str], data: Data, tags: Sequence[str]) -> None:
    """Refuse data in which nobody can be found who is named by a tag.

    Raises
    ------
    CaseError
        If a server is to be asked for them, or nothing says whom tags call so.
    """
    if not whom[0].startswith(BY_TAG):
        return
    if data.kind == SERVER:
        raise CaseError(
            "a server is asked for addresses, and the case names its subjects by a tag",
            remedy="give addresses, or a ledger that was read before",
        )
    if not tags and data.kind != LEDGER:
        raise CaseError(
            f"{whom[0]} is what tags call somebody, and no tags are named",
            remedy="name their files with --tags, or a ledger that holds tags, or give addresses",
        )


def read_text(text: str) -> CaseFile:
    """Return the case that a text is."""
    return parse_case(tomllib.loads(text), where="the case file", text=text)


def toml_text(text: str) -> str:
    """Return a text as TOML writes it, every character that is not seen by its number.

    Raises
    ------
    InputError
        If it holds half of a character, which no file in UTF-8 can.
    """
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else _by_number(one) for one in quoted)


def _by_number(character: str) -> str:
    number = ord(character)
    if 0xD800 <= number <= 0xDFFF:
        raise InputError("a text holds half of a character", remedy="type it again")
    return f"\\u{number:04X}" if number <= 0xFFFF else f"\\U{number:08X}"


def _listed(texts: Sequence[str]) -> str:
    if len(texts) == 1:
        return f"[{toml_text(texts[0])}]"
    return "[\n" + "".join(f"  {toml_text(one)},\n" for one in texts) + "]"


__all__ = [
    "BLOCK_FILES", "BY_TAG", "SERVER", "TABLE", "Data", "Draft", "check_whom", "read_text",
    "toml_text",
]  # fmt: skip
