"""Arrays kept on disk under a key, read by mapping them into memory.

What was computed once from the same input is taken from there; processes that read the same entry
share its pages. An entry is one file that appears as a whole or not at all. One that is damaged is
named, left out and written anew.
"""

from __future__ import annotations

import itertools
import json
import mmap
import os
import struct
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Layout = Mapping[str, tuple[DTypeLike, tuple[int, ...]]]
"""Type and shape of every array by name."""

LIMIT = 4 * 2**30
"""Bytes that a cache keeps; beyond them the entries that were not used for longest go."""

_MAGIC = b"ARRAYS01"
_HEAD = struct.Struct("<8sQQ")  # magic, where the text begins, its length
_ALIGNED = 64
_SUFFIX = ".arrays"
_COUNT = itertools.count()


class CacheWarning(UserWarning):
    """An entry that cannot be read or written; the run goes on without it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept under a key.

    Attributes
    ----------
    arrays : dict of str to array
        Not to be written to.
    about : dict
        What JSON holds of it.
    """

    arrays: dict[str, NDArray[Any]]
    about: dict[str, Any]


class Writer:
    """An entry on its way; nothing is there before ``commit``.

    Attributes
    ----------
    arrays : dict of str to array
        To be filled.
    """

    def __init__(self, cache: Cache, key: str, layout: Layout) -> None:
        self._cache, self._target = cache, cache.path(key)
        self._part = self._target.with_suffix(f".{os.getpid()}-{next(_COUNT)}.part")
        self._places, size = _places(layout)
        self._end = size
        cache.folder.mkdir(parents=True, exist_ok=True)
        with self._part.open("wb+") as file:
            _reserve(file.fileno(), size)
            self._map = mmap.mmap(file.fileno(), size)
        self.arrays = _views(self._map, self._places)

    def rest(self) -> None:
        """Let the system have the memory of what is filled; it stays in the file."""
        _release(self._map)

    def commit(self, about: Mapping[str, Any]) -> Entry | None:
        """Put the entry in its place; None, with a warning, where the disk does not take it."""
        try:
            text = json.dumps(
                {
                    "arrays": self._places,
                    "about": about,
                    "sum": _sum(self._map, self._end),
                }
            ).encode()
            self._map[: _HEAD.size] = _HEAD.pack(_MAGIC, self._end, len(text))
            self._map.flush()
            with self._part.open("ab") as file:
                file.write(text)
            self._part.replace(self._target)
        except OSError as error:
            self.discard()
            _warn(f"{self._target}: cannot be kept ({error.strerror or error})")
            return None
        self.arrays = {}
        self._cache.prune()
        return self._cache.read(self._target.stem)

    def discard(self) -> None:
        """Leave nothing behind."""
        self.arrays = {}
        self._part.unlink(missing_ok=True)


class Cache:
    """Entries in a folder.

    Parameters
    ----------
    folder : path
        Made when the first entry is.
    limit : int
        Bytes.
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        self.folder, self._limit = folder, limit

    def path(self, key: str) -> Path:
        """File of an entry."""
        return self.folder / f"{key}{_SUFFIX}"

    def read(self, key: str) -> Entry | None:
        """The entry of that key; None, with a warning if it is damaged, where there is none."""
        path = self.path(key)
        try:
            status = path.stat()
        except OSError:
            return None
        try:
            entry = _read(path, status.st_ino, status.st_size, status.st_mtime_ns)
            os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))  # that it was used
        except (OSError, ValueError, KeyError, TypeError) as error:
            _warn(f"{path}: is damaged ({error}); it is computed anew")
            return None
        return entry

    def writer(self, key: str, layout: Layout) -> Writer | None:
        """A new entry; None, with a warning, where the disk has no room for it."""
        try:
            return Writer(self, key, layout)
        except OSError as error:
            _warn(f"{self.folder}: nothing can be kept there ({error.strerror or error})")
            return None

    def prune(self) -> None:
        """Remove what was not used for longest until the rest is within the limit."""
        files = []
        for path in self.folder.glob(f"*{_SUFFIX}"):
            try:
                status = path.stat()
            except OSError:
                continue
            files.append((status.st_atime_ns, status.st_size, path))
        left = sum(size for _, size, _ in files)
        for _, size, path in sorted(files)[:-1]:
            if left <= self._limit:
                return
            path.unlink(missing_ok=True)
            left -= size


@lru_cache(maxsize=8)
def _read(path: Path, inode: int, size: int, changed: int) -> Entry:
    """The entry in a file that is known by what tells one state of it from another."""
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    head = mapped[: _HEAD.size]
    magic, end, length = _HEAD.unpack(head) if len(head) == _HEAD.size else (b"", 0, 0)
    if magic != _MAGIC or end + length != size:
        raise ValueError("it is not whole")
    text = json.loads(mapped[end:])
    if text["sum"] != _sum(mapped, end):
        raise ValueError("its sum is another")
    _release(mapped)
    places = {name: (kind, tuple(shape), at) for name, (kind, shape, at) in text["arrays"].items()}
    return Entry(_views(mapped, places), text["about"])


_Places = dict[str, tuple[str, tuple[int, ...], int]]


def _places(layout: Layout) -> tuple[_Places, int]:
    """Type, shape and offset of every array, and the size of all."""
    places: _Places = {}
    at = _ALIGNED
    for name, (kind, shape) in layout.items():
        dtype = np.dtype(kind)
        places[name] = dtype.str, shape, at
        size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        at += -(-size // _ALIGNED) * _ALIGNED
    return places, at


def _views(buffer: mmap.mmap, places: _Places) -> dict[str, NDArray[Any]]:
    return {
        name: np.ndarray(shape, np.dtype(kind), buffer, at)
        for name, (kind, shape, at) in places.items()
    }


def _sum(buffer: mmap.mmap, end: int) -> int:
    """Sum of all words after the head, modulo 2**64."""
    words = np.frombuffer(buffer, np.uint64, (end - _ALIGNED) // 8, _ALIGNED)
    return int(np.add.reduce(words))


def _release(buffer: mmap.mmap) -> None:
    if hasattr(mmap, "MADV_DONTNEED"):
        buffer.madvise(mmap.MADV_DONTNEED)


def _reserve(file: int, size: int) -> None:
    """Take the room now: a full disk would otherwise end the process in the middle of a write."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.truncate(file, size)


def _warn(text: str) -> None:
    warnings.warn(text, CacheWarning, stacklevel=3)
