"""What blocks of people gave, kept until a run is whole: in memory, or as Parquet files that outlive a kill.

A block is named arrays with people last, and a few plain facts. In a folder each is one file, made under another name
and renamed into place, whose name ends with the digest of its bytes: half a file, or a damaged one, is never read.
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from eutonia.errors import SimulationError

Arrays = Mapping[str, np.ndarray]
Key = tuple[int, int]
Thing = TypeVar("Thing")

_ABOUT, _SHAPES = "eutonia", "shapes"
_ROW = "|"
_DIGITS = 24


class MemoryStore:
    """Keeps blocks in memory."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: dict[Key, tuple[dict[str, np.ndarray], Mapping[str, Any]]] = {}

    def put(self, key: Key, arrays: Arrays, about: Mapping[str, Any]) -> None:
        """Keep a block."""
        self._kept[key] = dict(arrays), dict(about)

    def has(self, key: Key) -> bool:
        """Say whether a block is kept."""
        return key in self._kept

    def names(self, key: Key) -> tuple[str, ...]:
        """Return the names of a block's arrays."""
        return tuple(self._kept[key][0])

    def read(self, key: Key, names: Iterable[str], rows: Sequence[int] | None = None) -> dict[str, np.ndarray]:
        """Return some arrays of a block; of arrays of two axes some rows only, where they are given."""
        kept = self._kept[key][0]
        return {name: kept[name] if rows is None else kept[name][list(rows)] for name in names}

    def about(self, key: Key) -> Mapping[str, Any]:
        """Return the facts of a block."""
        return self._kept[key][1]


class FolderStore:
    """Keeps blocks as Parquet files in a folder; what lies there already is looked at once, and kept if it is whole.

    `damaged` are the files that were not what their name says: those blocks count as not there.
    """

    def __init__(self, folder: Path) -> None:
        """Look at what is there."""
        self.folder = folder
        self.damaged: list[str] = []
        self._files: dict[Key, Path] = {}
        self._metas: dict[Key, Mapping[str, Any]] = {}
        for file in sorted(folder.glob("block-*.parquet")):
            stage, number, digest = file.stem.split("-")[1:]
            if _digest(file.read_bytes()) == digest:
                self._files[int(stage), int(number)] = file
            else:
                self.damaged.append(file.name)
                file.unlink()

    def put(self, key: Key, arrays: Arrays, about: Mapping[str, Any]) -> None:
        """Write a block and give it its name in one step."""
        self._files[key] = write_block(self.folder, key, arrays, about)
        self._metas.pop(key, None)

    def has(self, key: Key) -> bool:
        """Say whether a block is there; one that another process wrote is found."""
        if key not in self._files:
            for file in self.folder.glob(f"block-{key[0]}-{key[1]:06d}-*.parquet"):
                self._files[key] = file
        return key in self._files

    def names(self, key: Key) -> tuple[str, ...]:
        """Return the names of a block's arrays."""
        return tuple(self._meta(key)[_SHAPES])

    def read(self, key: Key, names: Iterable[str], rows: Sequence[int] | None = None) -> dict[str, np.ndarray]:
        """Return some arrays of a block; of arrays of two axes some rows only, where they are given."""
        import polars as pl

        kept = self._meta(key)[_SHAPES]
        shapes = {name: tuple(kept[name]) for name in names}
        columns = {name: _columns(name, shape) for name, shape in shapes.items()}
        if rows is not None:
            columns = {name: [some[row] for row in rows] for name, some in columns.items()}
            shapes = dict.fromkeys(columns, (len(rows),))
        wanted = [one for some in columns.values() for one in some]
        try:
            table = pl.read_parquet(self._files[key], columns=wanted, glob=False) if wanted else pl.DataFrame()
        except FileNotFoundError:
            raise SimulationError(
                f"blocks of the run are gone from {self.folder}. Allowed: a folder that stays until the result is "
                "written and read. Run it again, and leave the folder there."
            ) from None
        return {
            name: np.stack([table[one].to_numpy() for one in some]).reshape(*shapes[name], table.height)
            if shapes[name]
            else table[some[0]].to_numpy()
            for name, some in columns.items()
        }

    def about(self, key: Key) -> Mapping[str, Any]:
        """Return the facts of a block."""
        return self._meta(key)["about"]

    def _meta(self, key: Key) -> Mapping[str, Any]:
        import polars as pl

        if not self.has(key):
            raise KeyError(key)
        if key not in self._metas:
            self._metas[key] = json.loads(pl.read_parquet_metadata(self._files[key])[_ABOUT])
        return self._metas[key]


#: Keeps blocks by stage and number.
Store = MemoryStore | FolderStore


def write_block(folder: Path, key: Key, arrays: Arrays, about: Mapping[str, Any]) -> Path:
    """Write a block into a folder, from any process, and return its file."""
    import polars as pl

    shapes = {name: array.shape[:-1] for name, array in arrays.items()}
    table = pl.DataFrame(
        {
            column: row
            for name, array in arrays.items()
            for column, row in zip(_columns(name, shapes[name]), array.reshape(-1, array.shape[-1]), strict=True)
        }
    )
    made = io.BytesIO()
    facts = json.dumps({_SHAPES: shapes, "about": about})
    table.write_parquet(made, compression="zstd", compression_level=1, statistics=False, metadata={_ABOUT: facts})
    content = made.getvalue()
    draft = folder / f"draft-{secrets.token_hex(6)}"
    try:
        draft.write_bytes(content)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft.rename(folder / f"block-{key[0]}-{key[1]:06d}-{_digest(content)}.parquet")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def _columns(name: str, shape: tuple[int, ...]) -> list[str]:
    return [f"{name}{_ROW}{i}" for i in range(int(np.prod(shape)))] if shape else [name]


class Recent:
    """Keeps what was made last, up to so many bytes but always one, and makes anew what was let go."""

    def __init__(self, most_bytes: float) -> None:
        """Begin with nothing."""
        self._most = most_bytes
        self._kept: OrderedDict[object, tuple[Any, float]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object, make: Callable[[], tuple[Thing, float]]) -> Thing:
        """Return what `make` makes, with its bytes, or what it made before."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
                while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > self._most:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            found: Thing = self._kept[key][0]
            return found
