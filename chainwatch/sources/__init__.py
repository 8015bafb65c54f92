"""Sources: what is outside, read and checked, as rows of the schema. The catalogue lists them."""

from chainwatch.sources.catalogue import register as register

__all__ = ["register"]
