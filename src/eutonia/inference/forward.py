"""What a recording would look like: many candidate limbs at once, through the stepped joint model.

A pendulum test is let go at its own time and angle and read off at the times of the recording. In a stretch the
movement behind the recorded angle is the input and the torque is read out.

Assumptions: delay, activation lags, force-velocity, short-range stiffness, end stops, torque ceiling and the rise of
the gain with speed are those of the records. At the elbow the torque of active muscle falls off beyond the angle at
which it is strongest, as exp(-((theta - theta_s)/w)^2); w is fitted. In a stretch the torque is what resists it,
without the weight of the segment.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from eutonia._compiled import compiled
from eutonia.inference.priors import NOISE, Priors
from eutonia.limb.cosine import cosine
from eutonia.limb.joint import Joint
from eutonia.limb.muscle import ceiling_weight
from eutonia.limb.strength import Strength
from eutonia.limb.swing import (
    Limb,
    ReflexConstants,
    Torques,
    activate,
    at_rest,
    excitation,
    resisting_torques,
    swing,
)

# Candidates computed together: every call has this width, so that each model is compiled once.
AT_ONCE = 256
# Samples of a recording that a fit uses; a finer recording is averaged down to it.
SLOTS = 512
# Steps in one reflex delay and samples kept: a swing then errs by 0.02 deg at most times (tested).
_STEPS, _KEPT = 20, 4
_Three = tuple[Array, Array, Array]
Draws = Float[np.ndarray, "number candidate"]
# Series with a column a candidate: one, or several.
Found = TypeVar("Found")

# A swing is followed for so many delays after release: 5 s at a delay of 50 ms.
_BLOCKS = 100
# An error of what is known counts when it moves the whole channel by more than this share of the spread of its noise.
_NOTHING = 0.3


@dataclass(frozen=True)
class Body:
    """Joint, weight (kg) and stature (m) of the person recorded."""

    joint: Joint
    weight_kg: float
    stature_m: float

    @property
    def ceiling(self) -> float:
        """Torque ceiling of the joint of this person, N m."""
        return self.joint.ceiling * self.weight_kg / ceiling_weight()


@runtime_checkable
class Model(Protocol):
    """A test as a function from z to the recorded channel."""

    @property
    def priors(self) -> Priors:
        """What is known before."""
        ...

    def predict(self, z: Draws) -> Float[np.ndarray, "sample candidate"]:
        """Return the recorded channel for any number of candidates."""
        ...

    def resistance(self, z: Draws) -> Torques:
        """Return what resists at every sample, N m."""
        ...

    def strays(self, z: Draws, spread: float) -> tuple[Float[np.ndarray, "_ _"], ...]:
        """Return, trace by trace, how the channel of one candidate changes with what is taken as known but errs, by
        columns for independent errors of unit spread; what is nothing beside noise of this spread is left out.
        """
        ...


class _Pieces(eqx.Module):
    """What a compiled program needs of body and priors."""

    middle: Array
    spread: Array
    is_log: Array
    inertia: Array
    gravity: Array
    stop_torque: Array
    stop_rate: Array
    high: Array
    ceiling: Array
    strongest: Array


def _pieces(body: Body, priors: Priors) -> _Pieces:
    joint = body.joint
    numbers = (
        *priors.table(),
        joint.inertia(body.weight_kg, body.stature_m),
        joint.gravity(body.weight_kg, body.stature_m),
        joint.stop_torque * body.ceiling,
        joint.stop_rate / joint.range_rad,
        joint.stop_from * joint.range_rad,
        body.ceiling,
        joint.strength.strongest if joint.strength else 0.0,
    )
    return _Pieces(*(jnp.asarray(number, dtype=float) for number in numbers))


def _named(z: Array, names: tuple[str, ...], pieces: _Pieces) -> dict[str, Array]:
    middle, spread, is_log = (column[: len(z), None] for column in (pieces.middle, pieces.spread, pieces.is_log))
    plain, grown = middle + spread * z, middle * jnp.exp(jnp.where(is_log > 0, spread * z, 0.0))
    return dict(zip(names, jnp.where(is_log > 0, grown, plain), strict=False))


def _limb(of: dict[str, Array], pieces: _Pieces) -> Limb:
    one = jnp.ones_like(of["threshold"])
    zero = jnp.deg2rad(of.get("angle_offset", 0.0 * one))
    return Limb(
        inertia=pieces.inertia * one,
        gravity=pieces.gravity * of.get("pace", one),
        horizontal=zero,
        load=0.0 * one,
        damping=of["damping"],
        stiffness=of["stiffness"],
        rest_angle=jnp.deg2rad(of["slack_angle"]),
        stop_torque=pieces.stop_torque * one,
        stop_rate=pieces.stop_rate * one,
        low=zero,
        high=pieces.high + zero,
        background=of["background"],
        threshold=jnp.deg2rad(of["threshold"]),
        velocity_sensitivity=of["velocity_sensitivity"],
        gain=of["gain"],
        ceiling=pieces.ceiling * one,
        depression=of["depression"],
        strength=Strength(pieces.strongest, jnp.deg2rad(of["breadth"])) if "breadth" in of else None,
    )


def _read(series: Array, place: Array, slope: Array | None = None, spacing: Array | float = 1.0) -> Array:
    """Read each candidate's series at fractional places: a cubic where its slope is known, else a straight line."""
    last = series.shape[0] - 2
    before = jnp.clip(jnp.floor(place).astype(int), 0, last)
    share = jnp.clip(place - before, 0.0, 1.0)
    low, high = (jnp.take_along_axis(series, before + k, axis=0) for k in (0, 1))
    if slope is None:
        return low + share * (high - low)
    rise, fall = (jnp.take_along_axis(slope, before + k, axis=0) * spacing for k in (0, 1))
    bend = (1.0 - share) * (rise - (high - low)) - share * (fall - (high - low))
    return low + share * (high - low) + share * (1.0 - share) * bend


@compiled
def _swing(
    z: Array, times: Array, names: tuple[str, ...], pieces: _Pieces, c: ReflexConstants, *, resisting: bool
) -> tuple[Array, Torques | None]:
    of = _named(z, names, pieces)
    limb = _limb(of, pieces)
    start = at_rest(jnp.deg2rad(of["start_angle"]), limb, steps=_STEPS, letting_go=of["letting_go"])
    motion = swing(limb, start, c, _BLOCKS, steps=_STEPS, kept=_KEPT, cosine=cosine)
    spacing = c.delay / _STEPS * _KEPT
    place = (times[:, None] - of["release"]) / spacing
    angle = _read(motion.angle, place, motion.velocity, spacing)
    if not resisting:
        return jnp.rad2deg(angle), None
    velocity, activation, short = (_read(x, place) for x in (motion.velocity, motion.activation, motion.short_range))
    velocity = jnp.where(place > 0.0, velocity, 0.0)
    return jnp.rad2deg(angle), resisting_torques(angle, velocity, activation, short, limb, c)


class Path(eqx.Module):
    """A recorded stretch at `SLOTS` samples, or at the recorded ones of which each of these is the mean: step to the
    next (s), angle, speed, acceleration (rad), angle and speed one reflex delay earlier; for one path, or one a
    candidate.
    """

    step: Float[Array, " sample"]
    angle: Float[Array, "sample path"]
    velocity: Float[Array, "sample path"]
    acceleration: Float[Array, "sample path"]
    angle_before: Float[Array, "sample path"]
    velocity_before: Float[Array, "sample path"]


class Stretch(NamedTuple):
    """A path, how many of its samples count, and how its five series may err: each of them by columns times
    independent standard normal numbers, the same for all.
    """

    path: Path
    samples: int
    errors: Float[np.ndarray, "five sample column"]


@compiled
def _stretch(
    z: Array, path: Path, names: tuple[str, ...], pieces: _Pieces, c: ReflexConstants, *, resisting: bool
) -> tuple[Array, Torques | None]:
    of = _named(z, names, pieces)
    limb = _limb(of, pieces)
    angle, velocity = path.angle, path.velocity
    felt = excitation(path.angle_before, path.velocity_before, limb)

    def one(state: _Three, known: _Three) -> tuple[_Three, Array]:
        before, after, step = known
        moved = activate(*state, before, after, limb.depression, step, c)
        return moved, moved[2]

    rest = (jnp.ones_like(felt[0]), felt[0], felt[0])
    _, later = lax.scan(one, rest, (felt[:-1], felt[1:], path.step[:-1]))
    activation = jnp.concatenate([felt[:1], later])
    stretched = jnp.clip(angle - angle[0], 0.0, c.short_range_stretch)
    short = c.short_range_stiffness * limb.background * stretched
    resistance = resisting_torques(angle, velocity, activation, short, limb, c)
    inertia = of["inertia_left"] * pieces.inertia * path.acceleration
    found = resistance.total + inertia + of["torque_offset"], resistance if resisting else None
    return jax.tree.map(lambda series: series.reshape(SLOTS, -1, series.shape[1]).mean(axis=1), found)


@dataclass(frozen=True)
class _Recorded(ABC):
    """A movement of one body as it would be recorded."""

    body: Body
    priors: Priors
    constants: ReflexConstants

    @functools.cached_property
    def _pieces(self) -> _Pieces:
        return _pieces(self.body, self.priors)

    def predict(self, z: Draws) -> Float[np.ndarray, "sample candidate"]:
        """Return what is fitted: the angle of a swing, deg, or the torque of one stretch after the other, N m."""
        return self._run(z, resisting=False)[0]

    def resistance(self, z: Draws) -> Torques:
        """Return what resists at every sample, N m; one stretch after the other."""
        resisting = self._run(z, resisting=True)[1]
        assert resisting is not None
        return jax.tree.map(jnp.asarray, resisting)

    @abstractmethod
    def _run(self, z: Draws, *, resisting: bool) -> tuple[Float[np.ndarray, "sample candidate"], Torques | None]: ...


@dataclass(frozen=True)
class Swing(_Recorded):
    """A pendulum test, recorded at `times` (s after the movement was first seen)."""

    times: Float[np.ndarray, " sample"]

    @functools.cached_property
    def _slots(self) -> Array:
        return jnp.asarray(np.pad(self.times, (0, SLOTS - self.times.size), mode="edge"))

    def strays(self, z: Draws, spread: float) -> tuple[Float[np.ndarray, "_ _"], ...]:
        """Return no columns: nothing but the candidate makes a swing."""
        return (np.empty((self.times.size, 0)),)

    def _run(self, z: Draws, *, resisting: bool) -> tuple[Float[np.ndarray, "sample candidate"], Torques | None]:
        def run(part: Draws) -> tuple[Any, Torques | None]:
            wide = _wide(part, self.priors)
            found = _swing(wide, self._slots, self.priors.names, self._pieces, self.constants, resisting=resisting)
            return _cut(found, self.times.size, part)

        return _side_by_side(run, z)


@dataclass(frozen=True)
class Stretches(_Recorded):
    """One or more imposed stretches."""

    stretches: tuple[Stretch, ...]

    def strays(self, z: Draws, spread: float) -> tuple[Float[np.ndarray, "_ _"], ...]:
        """Return how the torque of one candidate changes with independent errors of each path, N m."""
        wide, out = _wide(z, self.priors), []
        for stretch in self.stretches:
            given = [stretch.path, *_erring(stretch)]
            torque = [self._stretch(wide, path, resisting=False)[0] for path in given]
            changes = np.concatenate([np.asarray(one - torque[0]) for one in torque[1:]], axis=1)
            axes, sizes, _ = np.linalg.svd(changes[: stretch.samples], full_matrices=False)
            out.append((axes * sizes)[:, sizes > _NOTHING * spread])
        return tuple(out)

    def _stretch(self, wide: Array, path: Path, *, resisting: bool) -> tuple[Array, Torques | None]:
        return _stretch(wide, path, self.priors.names, self._pieces, self.constants, resisting=resisting)

    def _run(self, z: Draws, *, resisting: bool) -> tuple[Float[np.ndarray, "sample candidate"], Torques | None]:
        def run(part: Draws) -> tuple[Any, Torques | None]:
            wide = _wide(part, self.priors)
            found = [
                _cut(self._stretch(wide, one.path, resisting=resisting), one.samples, part) for one in self.stretches
            ]
            return jax.tree.map(lambda *each: np.concatenate(each), *found)

        return _side_by_side(run, z)


def _erring(stretch: Stretch) -> list[Path]:
    """Return the path with one of its errors a candidate."""
    path = stretch.path
    series = (path.angle, path.velocity, path.acceleration, path.angle_before, path.velocity_before)
    candidates = -(-stretch.errors.shape[2] // AT_ONCE) * AT_ONCE
    errors = np.pad(stretch.errors, ((0, 0), (0, 0), (0, candidates - stretch.errors.shape[2])))
    return [
        Path(path.step, *(one + error[:, at : at + AT_ONCE] for one, error in zip(series, errors, strict=True)))
        for at in range(0, candidates, AT_ONCE)
    ]


def _side_by_side(run: Callable[[Draws], Found], z: Draws) -> Found:
    """Run candidates `AT_ONCE` at a time, on all cores, and put what they give together again."""
    first, *others = [z[:, at : at + AT_ONCE] for at in range(0, z.shape[1], AT_ONCE)]
    if not others:
        return run(first)
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(run, [first, *others]))
    return jax.tree.map(lambda *each: np.concatenate(each, axis=1), *done)


def _wide(z: Draws, of: Priors) -> Array:
    """Fill up to `AT_ONCE` candidates with copies of the last, without the noise, which no model reads."""
    z = z[: len(of.each) - NOISE]
    return jnp.asarray(np.pad(z, ((0, 0), (0, AT_ONCE - z.shape[1])), mode="edge"))


def _cut(found: Found, samples: int, z: Draws) -> Found:
    return jax.tree.map(lambda series: np.asarray(series)[:samples, : z.shape[1]], found)
