"""The files of a node's folder as they were read: digests, made when they are needed.

A file is hashed once, just before the first of its blocks is read, so that the first rows do not
wait for a whole folder and a pull that was killed hashes again only what it reads again. What a
node writes to a file after that is not in its digest; that it wrote is noted.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime

from chainwatch.ingest.source_file import FileRead, file_digest
from chainwatch.sources.node_folder.files import Masked, NodeFiles

State = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds, as the file system has them."""


class FilesRead:
    """Both files of each number, hashed when first asked for.

    Parameters
    ----------
    files : NodeFiles
        The folder.
    acquired : datetime
        When it was obtained.
    """

    def __init__(self, files: NodeFiles, acquired: datetime) -> None:
        self._files, self._acquired = files, acquired
        self._read: dict[int, tuple[FileRead, ...]] = {}
        self._states: dict[int, dict[Masked, State]] = {}

    def of(self, number: int) -> tuple[FileRead, ...]:
        """Return what is read of a number: its blocks, and its undo data where it has any."""
        if number not in self._read:
            pair = self._pair(number)
            self._states[number] = {file: _state(file) for file in pair}
            self._read[number] = tuple(map(self._hashed, pair))
        return self._read[number]

    def notes(self, numbers: Iterable[int]) -> Iterator[str]:
        """Yield what to know of files, already hashed, that were written to since."""
        for number in numbers:
            for file, before in self._states[number].items():
                if _state(file) != before:
                    yield (
                        f"{file.path.name} was written to while it was read: its digest is of the"
                        " file as it stood before"
                    )

    def _pair(self, number: int) -> list[Masked]:
        both = self._files.blocks(number), self._files.undo(number)
        return [file for file in both if file.path.exists()]

    def _hashed(self, file: Masked) -> FileRead:
        return FileRead(*file_digest(file.path), self._acquired)


def _state(file: Masked) -> State:
    with file.opened() as handle:
        found = os.fstat(handle.fileno())
    return found.st_size, found.st_mtime_ns
