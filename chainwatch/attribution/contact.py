"""How buyers and sellers meet, and what is sold: two things that a tag can say in its context.

A tag says them under ``channel`` and ``substance`` of the JSON in its context, one word or a list,
so that every reader of TagPacks takes the pack. Neither GraphSense's concepts nor INTERPOL's
taxonomy has them. Substances are the classes of the two early-warning systems on new psychoactive
substances: the Early Warning Advisory of UNODC, and the EU Early Warning System, which the EUDA
runs (until July 2024 the EMCDDA). Which class of the one is which of the other is said by us.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

import polars as pl

from chainwatch.attribution.context import texts, told, with_keys
from chainwatch.errors import TagError

CHANNEL, SUBSTANCE = "channel", "substance"

CHANNELS: MappingProxyType[str, str] = MappingProxyType(
    {
        "darknet_market": "a market with many vendors that is reached through a darknet",
        "open_web": "a site that everybody can open, a shop, a forum or a board of adverts",
        "social_media": "posts, groups and profiles of social media",
        "messaging": "chats, channels and bots of a messenger",
        "in_person": "face to face, a courier or a hiding place included",
    }
)
"""Where a contact began, and what each word means."""


class Substance(NamedTuple):
    """A class of substances: the broader one, and what the two systems call it; None: no class."""

    broader: str | None
    unodc: str | None
    euda: str | None


SUBSTANCES: MappingProxyType[str, Substance] = MappingProxyType(
    {
        "aminoindanes": Substance(None, "Aminoindanes", "Aminoindanes"),
        "arylalkylamines": Substance(None, None, "Arylalkylamines"),
        "benzodiazepines": Substance(None, "Benzodiazepines", "Benzodiazepines"),
        "lysergamides": Substance(None, "Lysergamides", None),
        "other_substances": Substance(None, "Other substances", "Others"),
        "phencyclidine_type": Substance(
            None, "Phencyclidine-type substances", "Arylcyclohexylamines"
        ),
        "phenethylamines": Substance(None, "Phenethylamines", "Phenethylamines"),
        "phenidates": Substance(None, "Phenidates", None),
        "phenmetrazines": Substance(None, "Phenmetrazines", None),
        "piperazines": Substance(None, "Piperazines", "Piperazines"),
        "piperidines_and_pyrrolidines": Substance(None, None, "Piperidines and pyrrolidines"),
        "plant_based": Substance(None, "Plant-based substances", "Plants and extracts"),
        "synthetic_cannabinoids": Substance(None, "Synthetic cannabinoids", "Cannabinoids"),
        "semi_synthetic_cannabinoids": Substance(None, None, "Semi-synthetic cannabinoids"),
        "synthetic_cathinones": Substance(None, "Synthetic cathinones", "Cathinones"),
        "synthetic_opioids": Substance(None, None, "Opioids"),
        "fentanyl_analogues": Substance("synthetic_opioids", "Fentanyl analogues", "Fentanils"),
        "nitazenes": Substance("synthetic_opioids", "Nitazenes", "Nitazenes"),
        "tryptamines": Substance(None, "Tryptamines", "Tryptamines"),
    }
)
"""The classes, each with its names."""


def known_channel(word: str, *, where: str | None = None) -> str:
    """Return a channel of contact if it is one of ``CHANNELS``.

    Raises
    ------
    TagError
        If it is none.
    """
    return _known(word, CHANNELS, "channel of contact", where)


def known_substance(word: str, *, where: str | None = None) -> str:
    """Return a class of substances, given by its id or by the name of one of the two systems.

    Raises
    ------
    TagError
        If there is no such class; the sentence lists those that look like it.

    Examples
    --------
    >>> known_substance("nitazenes"), known_substance("Arylcyclohexylamines")
    ('nitazenes', 'phencyclidine_type')
    """
    named = _names().get(word.strip().casefold())
    return named if named is not None else _known(word, SUBSTANCES, "class of substances", where)


@cache
def _names() -> Mapping[str, str]:
    return {
        name.casefold(): one
        for one, (_, *names) in SUBSTANCES.items()
        for name in names
        if name is not None
    }


def _known(word: str, among: Iterable[str], what: str, where: str | None) -> str:
    listed = list(among)
    if word in listed:
        return word
    near = difflib.get_close_matches(word[:64], listed, n=4, cutoff=0.6)
    advice = f"did you mean {', '.join(near)}?" if near else f"write one of {', '.join(listed)}"
    raise TagError(f"no {what} {word[:64]!r}", where=where, remedy=advice)


@cache
def narrower(substance: str) -> frozenset[str]:
    """Return a class of substances and those within it.

    Examples
    --------
    >>> sorted(narrower("synthetic_opioids"))
    ['fentanyl_analogues', 'nitazenes', 'synthetic_opioids']
    """
    one = known_substance(substance)
    return frozenset({one, *(name for name, said in SUBSTANCES.items() if said.broader == one)})


def channels_of(context: str | None) -> tuple[str, ...]:
    """Return the channels of contact that a context says, sorted; words of others are none."""
    return tuple(sorted({one for one in texts(told(context), CHANNEL) if one in CHANNELS}))


def substances_of(context: str | None) -> tuple[str, ...]:
    """Return the classes of substances that a context says, sorted; words of others are none.

    Examples
    --------
    >>> substances_of('{"substance": ["Nitazenes", "flour"]}')
    ('nitazenes',)
    """
    return tuple(sorted({one for word in _substances(context) if (one := _substance(word))}))


def _substances(context: str | None) -> tuple[str, ...]:
    return texts(told(context), SUBSTANCE)


def _substance(word: str) -> str | None:
    try:
        return known_substance(word)
    except TagError:
        return None


def not_understood(context: str | None) -> Iterator[tuple[str, str]]:
    """Yield the words of a context that should say a channel or a class and do not, and why."""
    if context is None or not (f'"{CHANNEL}"' in context or f'"{SUBSTANCE}"' in context):
        return
    said = told(context)
    for key, check in ((CHANNEL, known_channel), (SUBSTANCE, known_substance)):
        for word in texts(said, key):
            try:
                check(word)
            except TagError as error:
                yield word, f"{error.what}: it stays in the context; {error.remedy}"


def says(frame: pl.DataFrame, channel: str | None, substance: str | None) -> pl.Series:
    """Return of each row of tags whether its context says a channel and a class of substances."""
    via = None if channel is None else known_channel(channel)
    sold = None if substance is None else narrower(substance)

    def fits(context: str | None) -> bool:
        met = via is None or via in channels_of(context)
        return met and (sold is None or not sold.isdisjoint(substances_of(context)))

    answers = {one: fits(one) for one in frame["context"].unique().to_list()}
    return pl.Series([answers[one] for one in frame["context"].to_list()], dtype=pl.Boolean)


def words_of(frame: pl.DataFrame) -> list[pl.Series]:
    """Return columns ``channel`` and ``substance`` of rows of tags, words joined; null is none."""
    contexts = frame["context"].to_list()
    return [
        pl.Series(name, ["; ".join(read(one)) or None for one in contexts], pl.String)
        for name, read in ((CHANNEL, channels_of), (SUBSTANCE, substances_of))
    ]


def in_context(context: str | None, channels: Iterable[str], substances: Iterable[str]) -> str:
    """Return a context that says channels and classes of substances as well.

    Raises
    ------
    TagError
        If one of them is none.

    Examples
    --------
    >>> in_context(None, ["messaging"], ["Nitazenes"])
    '{"channel": ["messaging"], "substance": ["nitazenes"]}'
    """
    said = {
        CHANNEL: [known_channel(one) for one in channels],
        SUBSTANCE: [known_substance(one) for one in substances],
    }
    return with_keys(context, {key: words for key, words in said.items() if words})
