"""Files behind the list of outpoints: runs of sorted keys, and records of a fixed size.

Nothing here is mapped into memory: what is asked for is read from its place, so that the memory
of a look-up depends on what is asked and not on how much there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

KEY = np.dtype([("key", "<u8"), ("place", "<u8")])
"""The first eight bytes of a txid, and the place of its record."""

_BLOCK = 256
"""Keys between two fences; a look-up reads one such block."""

_PIECE = 1 << 16
"""Keys that are read at once when runs are joined: whole blocks."""

_WEIGHTS = np.array([0x9E3779B97F4A7C15, 0xD1B54A32D192ED03], np.uint64)
_ASKED = 4_096

Keys = NDArray[np.uint64]


class Damaged(Exception):
    """A file is not what was written; the text says which."""


def read_at(handle: BinaryIO, places: NDArray[Any], size: int) -> NDArray[np.uint8]:
    """Return units of a file, given by their places; neighbours are read together.

    Parameters
    ----------
    handle : file
        Open for reading, without a buffer.
    places : array of int
        Different places, ascending; unit k begins at byte k x ``size``.
    size : int
        Bytes of a unit.

    Raises
    ------
    Damaged
        If the file ends before.
    """
    found = np.empty((len(places), size), np.uint8)
    if not len(places):
        return found
    breaks = (np.flatnonzero(np.diff(places) != 1) + 1).tolist()
    for low, high in pairwise([0, *breaks, len(places)]):
        handle.seek(int(places[low]) * size)
        data = handle.read((high - low) * size)
        if len(data) != (high - low) * size:
            raise Damaged(f"{Path(handle.name).name} ends too early")
        found[low:high] = np.frombuffer(data, np.uint8).reshape(-1, size)
    return found


@dataclass(frozen=True)
class Run:
    """A file of keys in ascending order.

    Held in memory of each block of 256 keys are the first, and a checksum of all.
    """

    path: Path
    count: int
    fences: Keys
    sums: Keys

    @classmethod
    def write(cls, path: Path, pieces: Iterator[NDArray[Any]]) -> Run:
        """Write keys that come in ascending order."""
        count, fences, sums = 0, [np.empty(0, np.uint64)], np.zeros(0, np.uint64)
        with path.open("wb") as handle:
            for piece in pieces:
                fences.append(piece["key"][-count % _BLOCK :: _BLOCK].astype(np.uint64))
                sums = _added(sums, piece, count)
                handle.write(piece.tobytes())
                count += len(piece)
            kept = np.concatenate(fences)
            foot = np.concatenate([kept, sums])
            handle.write(np.append(foot, _foot(foot)).astype("<u8").tobytes())
        return cls(path, count, kept, sums)

    @classmethod
    def open(cls, path: Path, count: int) -> Run:
        """Open a run of so many keys.

        Raises
        ------
        Damaged
            If the file is not as long as they are.
        """
        blocks = -(-count // _BLOCK)
        if not path.is_file() or path.stat().st_size != count * KEY.itemsize + 16 * blocks + 8:
            raise Damaged(f"{path.name} is not as long as it was written")
        held = np.fromfile(path, "<u8", offset=count * KEY.itemsize).astype(np.uint64)
        if held[-1] != _foot(held[:-1]):
            raise Damaged(f"the fences of {path.name} were damaged")
        return cls(path, count, held[:blocks], held[blocks:-1])

    def find(self, keys: Keys) -> tuple[NDArray[np.int64], Keys]:
        """Return which of the keys are there, by their numbers, and the place of each.

        Parameters
        ----------
        keys : array of uint64
            Ascending, each once. One that stands there twice is returned twice.
        """
        rows, places = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
        with self.path.open("rb", buffering=0) as handle:
            for low in range(0, len(keys), _ASKED):
                which, at = self._some(handle, keys[low : low + _ASKED])
                rows.append(which + low)
                places.append(at)
        return np.concatenate(rows), np.concatenate(places)

    def _some(self, handle: Any, keys: Keys) -> tuple[NDArray[np.int64], Keys]:
        # The first key of a block may be the last of the block before, more than once.
        first = np.maximum(np.searchsorted(self.fences, keys, "left") - 1, 0)
        last = np.maximum(np.searchsorted(self.fences, keys, "right") - 1, 0)
        blocks = _ranges(first, last + 1)
        held = _block_keys(handle, blocks, self.count)
        self._check(held, blocks)
        begin = np.searchsorted(held["key"], keys, "left")
        end = np.searchsorted(held["key"], keys, "right")
        found = np.repeat(np.arange(len(keys)), end - begin)
        return found, held["place"][_spread(begin, end)].astype(np.uint64)

    def _check(self, held: NDArray[Any], blocks: NDArray[np.int64]) -> None:
        """Refuse keys that are not those that were written, or do not begin where they should."""
        starts = np.arange(len(blocks)) * _BLOCK
        sums = np.add.reduceat(_terms(held), starts) if len(blocks) else np.zeros(0, np.uint64)
        same = np.array_equal(sums, self.sums[blocks])
        if not same or not np.array_equal(held["key"][starts], self.fences[blocks]):
            raise Damaged(f"keys of {self.path.name} were damaged")

    def pieces(self) -> Iterator[NDArray[Any]]:
        """Yield all keys, some at a time.

        They are checked as those of a look-up are: to write damaged keys into another run would
        give them a checksum that fits.

        Raises
        ------
        Damaged
            If a key is not what was written, or the file ends before.
        """
        with self.path.open("rb") as handle:
            for low in range(0, self.count, _PIECE):
                wanted = min(_PIECE, self.count - low)
                data = handle.read(wanted * KEY.itemsize)
                if len(data) != wanted * KEY.itemsize:
                    raise Damaged(f"{self.path.name} ends too early")
                held = np.frombuffer(data, KEY)
                self._check(held, np.arange(low // _BLOCK, -(-(low + wanted) // _BLOCK)))
                yield held


def _block_keys(handle: Any, blocks: NDArray[np.int64], count: int) -> NDArray[Any]:
    """Return the keys of some blocks of a run; the last of the run may be shorter."""
    tail = count % _BLOCK
    short = bool(tail and len(blocks) and blocks[-1] == count // _BLOCK)
    whole = read_at(handle, blocks[:-1] if short else blocks, _BLOCK * KEY.itemsize)
    keys = whole.reshape(-1).view(KEY)
    if not short:
        return keys
    handle.seek(int(blocks[-1]) * _BLOCK * KEY.itemsize)
    data = handle.read(tail * KEY.itemsize)
    if len(data) != tail * KEY.itemsize:
        raise Damaged("a run of keys ends too early")
    return np.concatenate([keys, np.frombuffer(data, KEY)])


def _foot(words: Keys) -> np.uint64:
    """Return the checksum of what is held in memory of a run."""
    odd = np.arange(len(words), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return np.uint64((words * odd).sum(dtype=np.uint64))


def _terms(keys: NDArray[Any]) -> Keys:
    """Return what each key adds to the checksum of its block; no change of one bit keeps it."""
    names, places = (keys[field].astype(np.uint64) for field in ("key", "place"))
    terms: Keys = names * _WEIGHTS[0] + places * _WEIGHTS[1]
    return terms


def _added(sums: Keys, piece: NDArray[Any], count: int) -> Keys:
    """Return the checksums of blocks after some more keys."""
    blocks = (count + np.arange(len(piece))) // _BLOCK
    longer = np.zeros(-(-(count + len(piece)) // _BLOCK), np.uint64)
    longer[: len(sums)] = sums
    np.add.at(longer, blocks, _terms(piece))
    return longer


def merged(one: Run, two: Run) -> Iterator[NDArray[Any]]:
    """Yield the keys of two runs in ascending order, some at a time."""
    sources = [one.pieces(), two.pieces()]
    held = [next(source, np.empty(0, KEY)) for source in sources]
    while all(map(len, held)):
        bound = min(part["key"][-1] for part in held)
        taken = []
        for k, part in enumerate(held):
            cut = int(np.searchsorted(part["key"], bound, "right"))
            taken.append(part[:cut])
            held[k] = part[cut:] if cut < len(part) else next(sources[k], np.empty(0, KEY))
        both = np.concatenate(taken)
        yield both[np.argsort(both["key"], kind="stable")]
    for part, source in zip(held, sources, strict=True):
        if len(part):
            yield part
        yield from source


def _ranges(starts: NDArray[Any], ends: NDArray[Any]) -> NDArray[np.int64]:
    """Return every number that lies in one of the ranges, once, ascending."""
    return np.unique(_spread(starts, ends))


def _spread(starts: NDArray[Any], ends: NDArray[Any]) -> NDArray[np.int64]:
    """Return the numbers of each range, one range after the other."""
    sizes = (ends - starts).astype(np.int64)
    shift = np.repeat(starts.astype(np.int64) - (np.cumsum(sizes) - sizes), sizes)
    found: NDArray[np.int64] = np.arange(int(sizes.sum()), dtype=np.int64) + shift
    return found
