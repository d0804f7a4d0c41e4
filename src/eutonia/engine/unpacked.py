"""Blocks of a folder as plain rows in one file, of which any few are read where they stand.

Of a million people each visit is in hundreds of Parquet files, and each of them tells of hundreds of columns, for
milliseconds, before it gives one. They are read whole, once, instead.
"""

from __future__ import annotations

import math
import tempfile
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from eutonia import _writing
from eutonia.engine.store import FolderStore, Key

#: Where an array begins, bytes, of what kind its numbers are, and its shape.
_Place = tuple[int, np.dtype[Any], tuple[int, ...]]


class Unpacked:
    """Gives what a folder of blocks gives; a block is unpacked when it is first asked for.

    The file has no name in the folder, and is gone with whoever reads it, however that ends.
    """

    def __init__(self, store: FolderStore) -> None:
        """Begin with an empty file.

        Raises
        ------
        EutoniaError
            The folder cannot be written.
        """
        self._store, self._end, self._lock = store, 0, threading.Lock()
        self._places: dict[Key, dict[str, _Place]] = {}
        with _writing.explained(store.folder):
            self._file = tempfile.TemporaryFile(prefix="draft-", dir=store.folder)  # noqa: SIM115
        weakref.finalize(self, self._file.close)

    def names(self, key: Key) -> tuple[str, ...]:
        """Return the names of a block's arrays."""
        return self._store.names(key)

    def about(self, key: Key) -> Mapping[str, Any]:
        """Return the facts of a block."""
        return self._store.about(key)

    def read(self, key: Key, names: Iterable[str], rows: Sequence[int] | None = None) -> dict[str, np.ndarray]:
        """Return some arrays of a block; of arrays of two axes some rows only, where they are given.

        Raises
        ------
        EutoniaError
            The block is gone, or its rows do not fit onto the disk.
        """
        with self._lock:
            if key not in self._places:
                self._unpack(key)
            places = self._places[key]
            return {name: self._array(places[name], rows) for name in names}

    def _unpack(self, key: Key) -> None:
        places: dict[str, _Place] = {}
        with _writing.explained(self._store.folder):
            self._file.seek(self._end)
            for name, array in self._store.read(key, self._store.names(key)).items():
                places[name] = self._end, array.dtype, array.shape
                content = np.ascontiguousarray(array)
                self._file.write(content.data)
                self._end += content.nbytes
        self._places[key] = places

    def _array(self, place: _Place, rows: Sequence[int] | None) -> np.ndarray:
        begin, kind, shape = place
        if rows is None:
            return self._from(begin, kind, shape)
        row = shape[1:]
        size = kind.itemsize * math.prod(row)
        found = np.empty((len(rows), *row), kind)
        for i, one in enumerate(rows):
            found[i] = self._from(begin + one * size, kind, row)
        return found

    def _from(self, begin: int, kind: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
        found = np.empty(shape, kind)
        self._file.seek(begin)
        self._file.readinto(found.data)
        return found
