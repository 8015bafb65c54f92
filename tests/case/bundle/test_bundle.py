"""Bundles of both editions: whole, of the same bytes each time, and run again elsewhere."""

from __future__ import annotations

from pathlib import Path

import bagit

from chainwatch.case.bundle.bundle import Bundle
from chainwatch.case.bundle.check import verify_bundle
from chainwatch.case.bundle.replay import replay


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_both_verify(bundles: dict[str, Bundle]) -> None:
    for edition, made in bundles.items():
        found = verify_bundle(made.folder)
        assert found.about.edition == edition
        assert found.digest == made.digest
        assert bagit.Bag(str(made.folder)).is_valid()


def test_the_working_bundle_is_replayed(bundles: dict[str, Bundle]) -> None:
    found = replay(bundles["working"].folder)
    assert found.same, found.difference
    assert found.results > 5
    assert found.files > 10
