"""The spinal fluid as a chain of segments, and the fixed patterns (modes) in which drug spreads along it.

Removal is the same everywhere, and dispersion only scales one fixed exchange matrix; net flow, where there is any,
scales with it (one Peclet number for all). So the patterns depend on the anatomy alone: each decays by itself, at rate
k + D lambda, in everybody. The chain has seven segments, or one to a vertebra, or finer still. The last is the fluid
around the brain: large and cleared like the rest, it takes up what the cisterns mix into it.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eutonia import parameters
from eutonia.errors import SimulationError, StudyError, unknown

LEVELS: tuple[str, ...] = tuple(
    f"{region}{number}" for region, count in (("C", 7), ("T", 12), ("L", 5), ("S", 2)) for number in range(1, count + 1)
)


class CordSegment(enum.IntEnum):
    """Regions of the fluid from the sac upwards, each with the site that it serves; segments of the trials."""

    SAC = 0
    CONUS = 1
    TIP = 2
    THORACIC = 3
    CERVICAL = 4
    CISTERNAL = 5
    CRANIAL = 6


#: Names of the segments on the axes of records.
SEGMENTS = tuple(segment.name.lower() for segment in CordSegment)
LUMBAR, LEG, ARM, BRAIN = CordSegment.SAC, CordSegment.CONUS, CordSegment.CERVICAL, CordSegment.CISTERNAL


# Regions with and without a spine; the grid above the spine, whose pieces are about as long as a vertebra.
_VERTEBRAE, _PIECES_ABOVE = len(LEVELS), 3


@dataclass(frozen=True)
class Modes:
    """Patterns of the chain, the first of which decays by removal alone.

    `shape[segment, mode]` turns mode amplitudes (ng/mL) into concentrations; `into[segment, mode]` is what an amount
    in a segment adds to each mode, as a share of the same amount mixed into the whole chain. The amplitude of the
    first mode is the mean concentration. Without net flow the patterns are volume-weighted orthogonal, the first is
    uniform and both arrays are one. `exchange[mode]` is lambda, 1/cm2: a mode decays at k + D lambda.
    """

    shape: NDArray[np.float64]
    into: NDArray[np.float64]
    exchange: NDArray[np.float64]


def volume_records(records: parameters.ParameterSet) -> list[tuple[str, parameters.Parameter]]:
    """Return each segment's name and the record that holds its volume, in mL."""
    within, above = (records[name].to("mL") for name in ("segment_volume", "head_volume"))
    return [(name, within if name in within.axis else above) for name in SEGMENTS]


@dataclass(frozen=True, slots=True)
class SpinalGeometry:
    """Volumes (mL) and lengths (cm) of the segments, and the highest vertebra of each (C1 = 1; 0 = above the spine).

    Exchange between neighbours: q = D / (L_i / 2 A_i + L_j / 2 A_j), with cross-section A = V / L.

    Attributes
    ----------
    region
        Region that each segment belongs to; a site reads the mean of its region.
    net_flow
        Net flow of fluid down into the spine for a dispersion of 1 cm2/h, mL/h; it is taken up evenly on its way to
        the sac, where it ends.
    """

    volume: tuple[float, ...]
    length: tuple[float, ...]
    top_vertebra: tuple[float, ...]
    region: tuple[int, ...] = tuple(CordSegment)
    net_flow: float = 0.0

    @classmethod
    def from_records(cls) -> SpinalGeometry:
        """Read the segments of the trials from the set `intrathecal`."""
        records = parameters.load("intrathecal")
        return cls(
            volume=tuple(record.along([name])[0] for name, record in volume_records(records)),
            length=records.along("segment_length", "cm", SEGMENTS),
            top_vertebra=records.along("segment_top_vertebra", "1", SEGMENTS),
        )

    def by_vertebra(self, pieces: int = 1) -> SpinalGeometry:
        """Return the same anatomy with one segment to a vertebra, or several: each region is cut evenly."""
        if self.region != tuple(CordSegment):
            raise SimulationError("a chain that is cut already. Allowed: the regions. Cut those into more pieces.")
        rows: list[tuple[float, float, float, int]] = []
        below = float(_VERTEBRAE)
        for region, (volume, length, top) in enumerate(zip(self.volume, self.length, self.top_vertebra, strict=True)):
            tops = [below - i for i in range(round(below - top) + 1)] if top else [top] * _PIECES_ABOVE
            parts = len(tops) * pieces
            rows += [(volume / parts, length / parts, one, region) for one in tops for _ in range(pieces)]
            below = top - 1
        volumes, lengths, vertebrae, regions = zip(*rows, strict=True)
        return SpinalGeometry(volumes, lengths, vertebrae, regions, self.net_flow)

    @property
    def total_volume(self) -> float:
        """Volume of the whole chain, mL."""
        return sum(self.volume)

    @property
    def spinal_volume(self) -> float:
        """Volume of the chain without the fluid around the brain, mL."""
        return sum(v for v, region in zip(self.volume, self.region, strict=True) if region < CordSegment.CRANIAL)

    def modes(self) -> Modes:
        """Return the patterns of this chain."""
        return _modes(self)

    def exchange_matrix(self) -> NDArray[np.float64]:
        """Return K, cm: flow between segments for a dispersion of 1 cm2/h, mL/h; columns sum to zero.

        Without net flow K is symmetric; with it, fluid takes along the mean concentration of the two segments.
        """
        volume, length = np.asarray(self.volume), np.asarray(self.length)
        half = half_resistance(volume, length)
        flow = 1.0 / (half[:-1] + half[1:])
        spine = volume[np.asarray(self.region) < CordSegment.CISTERNAL].sum()
        net = self.net_flow * np.minimum(np.cumsum(volume)[:-1] / spine, 1.0)
        if np.any(net >= 2.0 * flow):
            raise SimulationError(
                f"a net flow of {self.net_flow:g} mL/h for each cm2/h of dispersion is too fast for segments of "
                f"{length.max():.3g} cm. Allowed: less, or finer segments. Cut the chain finer."
            )
        matrix: NDArray[np.float64] = np.diag(flow + net / 2.0, 1) + np.diag(flow - net / 2.0, -1)
        np.fill_diagonal(matrix, -matrix.sum(axis=0))
        return matrix

    def segment_at(self, level: str) -> CordSegment:
        """Return the region that a vertebral level such as "T10" lies in."""
        return CordSegment(self.region[int(np.argmax(self.place(level) > 0))])

    def place(self, level: str, volume_ml: float = 0.0) -> NDArray[np.float64]:
        """Return how a dose at a vertebral level such as "T10" is shared among the segments.

        An injected volume pushes the fluid aside: the dose fills as much of the chain around the level. It never
        fills less than the vertebra, or the region of a chain that knows no vertebrae.
        """
        tops = np.asarray(self.top_vertebra)
        here = tops == tops[tops <= vertebra_of(level)].max()
        volume = np.asarray(self.volume)
        if volume_ml <= volume[here].sum():
            return _share(volume, here)
        ends = np.concatenate([[0.0], np.cumsum(volume)])
        middle = (ends[:-1][here].min() + ends[1:][here].max()) / 2.0
        start = min(max(middle - volume_ml / 2.0, 0.0), max(ends[-1] - volume_ml, 0.0))
        inside = np.minimum(ends[1:], start + volume_ml) - np.maximum(ends[:-1], start)
        return np.maximum(inside, 0.0) / np.maximum(inside, 0.0).sum()

    def places(self, volume_ml: float = 0.0) -> NDArray[np.float64]:
        """Return `place` of every vertebra."""
        return np.stack([self.place(level, volume_ml) for level in LEVELS])

    def within(self, region: int) -> NDArray[np.float64]:
        """Return the weights of the segments in the mean of a region."""
        return _share(np.asarray(self.volume), np.asarray(self.region) == region)

    def readings(self) -> NDArray[np.float64]:
        """Return what turns mode amplitudes into the mean concentration of each region."""
        return np.stack([self.within(region) for region in CordSegment]) @ self.modes().shape


def vertebra_of(level: str) -> int:
    """Return the number of a vertebral level such as "T10", C1 being 1."""
    if level.upper() not in LEVELS:
        raise StudyError(unknown("vertebral level", level, LEVELS, 'Write the level of the tip, such as "T10".'))
    return LEVELS.index(level.upper()) + 1


def half_resistance(volume: Any, length: Any) -> Any:
    """Return L / 2 A of segments, 1/cm: what drug meets from the middle of one to its end."""
    return length**2 / (2.0 * volume)


def _share(volume: NDArray[np.float64], here: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(here, volume / volume[here].sum(), 0.0)


@functools.lru_cache(maxsize=64)
def _modes(geometry: SpinalGeometry) -> Modes:
    volume = np.asarray(geometry.volume)
    root = np.sqrt(volume)
    matrix = geometry.exchange_matrix()
    tilt = np.ones_like(volume)
    if geometry.net_flow:  # brings the matrix to symmetry: the level of each pattern falls along the flow
        slant = np.sqrt(np.diag(matrix, 1) / np.diag(matrix, -1))
        tilt = np.concatenate([[1.0], np.cumprod(1.0 / slant)])
        matrix = matrix * tilt / tilt[:, None]
    symmetric = -matrix / np.outer(root, root)
    exchange, vectors = np.linalg.eigh(symmetric)
    shape = vectors / root[:, None] * np.sqrt(volume.sum())
    shape *= np.sign(shape[CordSegment.SAC])
    shape[:, 0], exchange[0] = 1.0, 0.0  # exact by construction
    into = shape
    if geometry.net_flow:
        into = shape / tilt[:, None]
        shape = shape * tilt[:, None]
        rest = tilt**2 * volume.sum() / (tilt**2 @ volume)
        shape[:, 0], into[:, 0] = rest, 1.0
    for array in (shape, into, exchange):
        array.setflags(write=False)
    return Modes(shape=shape, into=into, exchange=exchange)
