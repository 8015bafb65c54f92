"""``[owners]``: who is taken to hold which addresses: a recipe, or any rules of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from chainwatch.case.file.keys import Flag, OfKey, Strict, Whole
from chainwatch.errors import InputError
from chainwatch.heuristics.accounts.catalogue import ACCOUNT_RULES
from chainwatch.heuristics.written import account_rule_written, rule_written, rules_on

NONE = "none"
"""What is written for no rule at all."""


def checked(read: Callable[[str], object], text: str) -> str:
    """Return a text that a function can read; what speaks against it is said with its key."""
    try:
        read(text)
    except InputError as error:
        raise PydanticCustomError(
            "rule", "{said}", {"said": f"{error.what}; {error.remedy}"}
        ) from None
    return text


def _of_accounts(schema: dict[str, Any]) -> None:
    names = [make.__name__ for make in ACCOUNT_RULES]
    schema["anyOf"] = [{"enum": names}, {"pattern": rf"^({'|'.join(names)})\("}]


def _unless(text: str) -> str:
    return text if text == NONE else checked(partial(rule_written, on="transactions"), text)


OutputRule = Annotated[
    str,
    AfterValidator(partial(checked, partial(rule_written, on="outputs"))),
    Field(examples=rules_on("outputs")),
]
"""A rule on outputs, as it prints itself."""

AccountRule = Annotated[
    str,
    AfterValidator(partial(checked, account_rule_written)),
    Field(json_schema_extra=_of_accounts),
]
"""A rule on accounts by its name, with its parameters behind it where they are not the usual."""


class KeptApart(Strict):
    """Two addresses that must not be joined, and why."""

    a: Annotated[str, Field(description="An address.")]
    b: Annotated[str, Field(description="Another one of the same chain.")]
    why: Annotated[str, Field(min_length=1, description="The reason, which a refused join gives.")]


class StatedLink(Strict):
    """Two addresses of one owner, as somebody states: a court, a witness, an exchange."""

    a: Annotated[str, Field(description="An address.")]
    b: Annotated[str, Field(description="Another one of the same chain.")]
    rule: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9_]*$",
            description="What the links are called, so that they can be rejected together.",
        ),
    ] = "statement"
    confidence: Annotated[
        float | None, Field(ge=0, le=1, description="How sure that is, where somebody says it.")
    ] = None


class OwnerKeys(Strict):
    """What makes owners of addresses. Rules are written as they print themselves: their names with
    parameters, joined by ``&``, ``|`` and ``~``; the schema lists them.

    Without this table a case on a coin chain joins what is spent together, and nothing else. What
    joins more is for leads: a wrong link makes one owner of all on both sides of it, and the report
    says by which rule each was made.
    """

    recipe: Annotated[
        Literal["co_spends", "default", "with_change"],
        Field(
            description="What is joined: what is spent together; by default also one key in several"
            " forms; with_change also change, for leads. The keys below change it."
        ),
    ] = "default"
    change: Annotated[
        OutputRule | None,
        Field(description="Which outputs are linked as change: a rule on outputs."),
    ] = None
    change_model: Annotated[
        str | None, Field(description="File of a model of change, instead of a rule.")
    ] = None
    unless: Annotated[
        str | None,
        AfterValidator(lambda text: text if text is None else _unless(text)),
        Field(
            description="Which transactions join nobody: a rule on transactions, or none; mixes, if"
            " not given.",
            examples=["JOINT", NONE, *rules_on("transactions")],
        ),
    ] = None
    unread_flags: Annotated[
        Literal["by_height", "join", "undecided"],
        Field(description="What inputs do whose signatures were not read."),
    ] = "by_height"
    revealed: Annotated[
        Flag, Field(description="Count addresses that unlocking scripts alone name.")
    ] = True
    one_key: Annotated[
        Flag | None, Field(description="Join addresses of one key; as the recipe has it.")
    ] = None
    key_sets: Annotated[
        Flag, Field(description="Join a multisig with one of nearly the same keys behind it.")
    ] = False
    most_rounds: Annotated[
        Whole | None, Field(ge=1, description="Rounds of predicting change; until nothing moves.")
    ] = None
    peel: Annotated[Flag, Field(description="Also join along peel chains, forward, for leads.")] = (
        False
    )
    stated: Annotated[
        tuple[StatedLink, ...], Field(description="Pairs of one owner, as somebody states.")
    ] = ()
    apart: Annotated[
        tuple[KeptApart, ...], Field(description="Pairs that must not be joined.")
    ] = ()
    apart_by_tags: Annotated[
        Flag, Field(description="Keep apart what tags say is of different actors.")
    ] = False
    without_tx: Annotated[
        tuple[str, ...], Field(description="Transactions that are rejected as evidence.")
    ] = ()
    without_rule: Annotated[
        tuple[str, ...], Field(description="Rules all of whose links are rejected.")
    ] = ()
    large: Annotated[
        Whole, Field(ge=2, description="Joining two groups of so many addresses raises an alarm.")
    ] = 100

    @model_validator(mode="after")
    def _one_change(self) -> OwnerKeys:
        if self.change is not None and self.change_model is not None:
            raise OfKey("change is said by a rule and by a model; give one of them", "change_model")
        if (
            self.recipe != "with_change"
            and self.most_rounds is not None
            and not (self.change or self.change_model)
        ):
            raise OfKey(
                "most_rounds bounds rounds of change, and none is joined; say which", "most_rounds"
            )
        return self
