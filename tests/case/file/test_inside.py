"""A case file reads only below the data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainwatch.case.file.model import inside
from chainwatch.errors import InputError


@pytest.mark.parametrize("path", ["../secret.csv", "a/../../secret.csv", "/etc/hostname", "link/x"])
def test_paths_that_lead_out_are_refused(tmp_path: Path, path: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="inside the data folder"):
        inside(data, path)


def test_paths_below_are_taken(tmp_path: Path) -> None:
    assert inside(tmp_path, "a/../b.csv") == tmp_path / "a/../b.csv"
