"""``[[identities]]``: which profiles on markets are one seller, and where each is paid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from chainwatch.attribution.statements.statement import read_statement
from chainwatch.case.file.keys import Whole
from chainwatch.case.ground import Ground
from chainwatch.case.questions.question import Answer, Question
from chainwatch.triage.identity.identities import MOST, SOLD, vendor_identities
from chainwatch.triage.identity.profiles import read_profiles


class Identities(Question):
    """Ask which profiles on markets are one seller, and where each seller is paid.

    A full fingerprint joins two profiles of which both proved the key. A copied key, a contact and
    a name are leads. Nobody of them is followed because of it: name whom to follow in
    ``[subjects]``.
    """

    profiles: Annotated[str, Field(description="Table of profiles, inside the data folder.")]
    source: Annotated[str, Field(min_length=1, description="Whose table it is.")]
    columns: Annotated[
        dict[str, str],
        Field(default_factory=dict, description="What is said, to its column in the table."),
    ]
    records: Annotated[
        dict[str, str],
        Field(
            default_factory=dict,
            description="By market a table of withdrawals of its database, as [[statements]] reads"
            " them.",
        ),
    ]
    most: Annotated[
        Whole, Field(ge=1, description="Profiles in which a key or a contact may stand.")
    ] = MOST
    sold: Annotated[
        Whole, Field(ge=1, description="Sales from which on a key is taken for the seller's.")
    ] = SOLD

    def answer(self, ground: Ground) -> Iterator[Answer]:
        """Yield the sellers, with why."""
        read = read_profiles(
            ground.file(self.profiles), source=self.source, columns=self.columns or None
        )
        records = {name: read_statement(ground.file(path)) for name, path in self.records.items()}
        found = vendor_identities(read, records=records or None, most=self.most, sold=self.sold)
        yield Answer(found, self.name)
