"""Sources: what is outside, read and checked, as rows of the schema. The catalogue lists them."""

import chainwatch.completion as _completion
from chainwatch.sources.catalogue import register as register

__all__ = ["register"]


def __dir__() -> list[str]:
    """Return the public names and the modules, for completion."""
    return _completion.names_of(__name__)
