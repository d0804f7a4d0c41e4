"""The spinal fluid as a chain of segments, and the fixed patterns (modes) in which drug spreads along it.

Removal is the same everywhere and dispersion only scales one fixed exchange matrix, so the patterns depend on the
anatomy alone: each decays by itself, at rate k + D lambda, in everybody.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eutonia import parameters
from eutonia.errors import StudyError, unknown

LEVELS: tuple[str, ...] = tuple(
    f"{region}{number}" for region, count in (("C", 7), ("T", 12), ("L", 5), ("S", 2)) for number in range(1, count + 1)
)


class Segment(enum.IntEnum):
    """Segments of the spinal fluid from the sac upwards, each with the site that it serves."""

    SAC = 0
    CONUS = 1
    TIP = 2
    THORACIC = 3
    CERVICAL = 4
    CISTERNAL = 5


LUMBAR, LEG, ARM, BRAIN = Segment.SAC, Segment.CONUS, Segment.CERVICAL, Segment.CISTERNAL


@dataclass(frozen=True)
class Modes:
    """Patterns of the chain: volume-weighted orthogonal, the first uniform.

    `shape[segment, mode]` turns mode amplitudes (ng/mL) into concentrations; the amplitude of the uniform mode is the
    mean concentration of the chain. `exchange[mode]` is lambda, 1/cm2: a mode decays at k + D lambda.
    """

    shape: NDArray[np.float64]
    exchange: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SpinalGeometry:
    """Volumes (mL) and lengths (cm) of the segments, and the highest vertebra of each (C1 = 1; 0 = above the spine).

    Exchange between neighbours: q = D / (L_i / 2 A_i + L_j / 2 A_j), with cross-section A = V / L.
    """

    volume: tuple[float, ...]
    length: tuple[float, ...]
    top_vertebra: tuple[float, ...]

    @classmethod
    def from_records(cls) -> SpinalGeometry:
        """Read the geometry from the set `intrathecal`."""
        records = parameters.load("intrathecal")
        return cls(*(records.array(f"segment_{name}") for name in ("volume", "length", "top_vertebra")))

    @property
    def total_volume(self) -> float:
        """Volume of the whole chain, mL."""
        return sum(self.volume)

    def modes(self) -> Modes:
        """Return the patterns of this chain."""
        return _modes(self)

    def exchange_matrix(self) -> NDArray[np.float64]:
        """Return K, cm: flow between segments for a dispersion of 1 cm2/h, mL/h; rows sum to zero."""
        volume, length = np.asarray(self.volume), np.asarray(self.length)
        half_resistance = length**2 / (2.0 * volume)
        flow = 1.0 / (half_resistance[:-1] + half_resistance[1:])
        matrix: NDArray[np.float64] = np.diag(flow, 1) + np.diag(flow, -1)
        np.fill_diagonal(matrix, -matrix.sum(axis=1))
        return matrix

    def segment_at(self, level: str) -> Segment:
        """Return the segment that a vertebral level such as "T10" lies in."""
        if level.upper() not in LEVELS:
            raise StudyError(unknown("vertebral level", level, LEVELS, 'Write the level of the tip, such as "T10".'))
        vertebra = LEVELS.index(level.upper()) + 1
        return next(segment for segment in Segment if self.top_vertebra[segment] <= vertebra)


@functools.lru_cache(maxsize=64)
def _modes(geometry: SpinalGeometry) -> Modes:
    volume = np.asarray(geometry.volume)
    root = np.sqrt(volume)
    symmetric = -geometry.exchange_matrix() / np.outer(root, root)
    exchange, vectors = np.linalg.eigh(symmetric)
    shape = vectors / root[:, None] * np.sqrt(volume.sum())
    shape *= np.sign(shape[Segment.SAC])
    shape[:, 0], exchange[0] = 1.0, 0.0  # exact by construction
    for array in (shape, exchange):
        _freeze(array)
    return Modes(shape=shape, exchange=exchange)


def _freeze(array: NDArray[Any]) -> None:
    array.setflags(write=False)
