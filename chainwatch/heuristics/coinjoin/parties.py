"""How many owners the inputs of a transaction can have at most, by their addresses alone."""

from __future__ import annotations

import narwhals.stable.v2 as nw

from chainwatch.completion import names_of


def most_parties() -> nw.Expr:
    """Return the most parties that there can be: an input without a known address may be one."""
    return nw.col("input_addresses") + nw.col("input_count") - nw.col("inputs_named")


def __dir__() -> list[str]:
    """Return what this module is for, for completion."""
    return names_of(__name__)
