"""What a chart tells of a person: the own factor of the bias that makes the lesion give the charted scores.

A score of a whole limb, or of one of its muscle groups, says how strongly the cord answers; scores of several groups of
one limb say too by how much each group departs from the limb.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from eutonia._compiled import compiled
from eutonia.assessment.reading import ROUNDING
from eutonia.assessment.scales import SCALES, Scale
from eutonia.assessment.scoring import ChartConstants, Look, chart_constants, charted_muscles, limb_mean, no_luck
from eutonia.errors import StudyError
from eutonia.patient import LIMBS
from eutonia.simulation.course import Snapshot
from eutonia.simulation.examine import BodyConstants, body_constants, examine_at, healthy_resistance
from eutonia.simulation.maneuver import PassiveStretch
from eutonia.simulation.people import People
from eutonia.simulation.stance import StanceConstants, stance_constants, stance_of
from eutonia.study.case import ChartedScore

# Share of the ceiling of bias and deviation of a muscle group up to which is searched, and halvings: numerical.
_BELOW_CEILING, _FURTHEST, _HALVINGS = 0.999, 20.0, 30
# Share of a scale's step by which a solution may miss what is charted: a mean over grades is none itself.
_CLOSE = 0.5
# Fewer people than this share are too few to stand for one person.
_FEWEST = 0.1

Limbs = Float[Array, "limb patient"]
Index = Int[Array, ""]


@dataclasses.dataclass(frozen=True)
class Solved:
    """The factor of each limb, the people whose muscle groups depart as charted, what could not be met, and who stands
    in for whom (none: everybody for themselves).
    """

    factor: Limbs
    people: People
    told: tuple[str, ...] = ()
    who: Int[np.ndarray, " patient"] | None = None


class _Seen(eqx.Module):
    """What an examination without drug needs: constants, speed of the stretch, and a healthy limb's resistance."""

    body: BodyConstants
    scales: ChartConstants
    speed: Float[Array, "muscle 1"]
    healthy: Float[Array, "muscle 1"]
    load: StanceConstants
    own: dict[str, Any]

    @classmethod
    def now(cls) -> _Seen:
        """Read everything before anything is compiled, so that every run notes the same records."""
        body, speed = body_constants(), jnp.asarray(PassiveStretch().ranges_per_second())
        own = {key: scale.constants() for key, scale in SCALES.items() if scale.constants is not None}
        return cls(body, chart_constants(), speed, healthy_resistance(body, speed), stance_constants(), own)


def solve_factors(
    people: People,
    plateau: Callable[[float], Float[np.ndarray, "limb patient"]],
    drawn: Limbs,
    charted: Sequence[ChartedScore],
    ceiling: float,
) -> Solved:
    """Return each factor per limb: that of the chart where the limb was scored before any drug, else the drawn one.

    `plateau` is the bias (mV) of a person of factor 1 at a time; bias levels off towards `ceiling` as the factor grows
    (`tone.descending`), so that factors go by the inverse of its hyperbolic tangent.

    Raises
    ------
    StudyError
        When the lesion leaves the limb's pathways whole, so that no factor gives the charted score, or when most people
        with this lesion cannot have it.
    """
    factor, told = np.array(drawn), []
    can = np.ones(people.n, dtype=bool)
    seen = _Seen.now()
    for limb in dict.fromkeys(row.of_limb for row in charted):
        rows, i = [row for row in charted if row.of_limb == limb], LIMBS.index(limb)
        unit = plateau(rows[0].at_h)[i]
        if float(unit.max()) <= 0:
            raise StudyError(
                f"charted: the {rows[0].place} is charted at {rows[0].score}, but this lesion leaves its pathways "
                f"whole at {rows[0].at_h.text}. Allowed: a later time, a larger lesion, or one that hits the {limb}. "
                "Do: check [lesion] and the time of [[charted]]."
            )
        bias, people, missed = _solve(people, rows, i, seen, ceiling)
        spared = unit <= 0.0  # in some possible brains the tracts run past this lesion: not this person's
        factor[i] = np.arctanh(bias / ceiling) / np.arctanh(np.where(spared, ceiling / 2.0, unit) / ceiling)
        can &= ~spared
        if spared.any():
            told.append(
                f"In {int(spared.sum())} of {len(spared)} possible brains the tracts to the {limb} run past this "
                "lesion, which the chart contradicts: they are left out, and others stand in for them."
            )
        for row, by in zip(rows, missed, strict=True):
            has = np.abs(by) <= _CLOSE * SCALES[row.scale].step + ROUNDING
            told += _unreached(row, has)
            can &= has
    who = None
    if not can.all():
        # Who cannot have what is charted is not this person: they get the tone of one who can, and keep the rest.
        who, limbs = _stand_ins(can, charted), [LIMBS.index(row.of_limb) for row in charted]
        factor[limbs] = factor[limbs][:, who]
        traits = jax.tree.map(lambda leaf: leaf[..., who], people.traits)
        people = dataclasses.replace(people, traits=traits)
    return Solved(jnp.asarray(factor), people, tuple(told), who)


def _unreached(row: ChartedScore, has: Bool[np.ndarray, " patient"]) -> list[str]:
    """Say how many of the possible people cannot have a charted score."""
    if has.all():
        return []
    what = f"{SCALES[row.scale].label} {row.score} of the {row.place}"
    return [
        f"{int((~has).sum())} of {len(has)} people with this lesion could not have {what} before treatment: they are "
        "left out, and others stand in for their tone."
    ]


def _stand_ins(can: Bool[np.ndarray, " patient"], charted: Sequence[ChartedScore]) -> Int[np.ndarray, " patient"]:
    """Return who stands in for whom: everybody for themselves who can have all charted scores, those in turn else."""
    if can.mean() < _FEWEST:
        what = ", ".join(f"{row.scale} {row.score} of the {row.place}" for row in charted)
        raise StudyError(
            f"charted: only {int(can.sum())} of {len(can)} people with this lesion can have {what}. Allowed: scores "
            f"that {_FEWEST:.0%} of them can have together. Do: check the scores and the lesion, or leave one out."
        )
    return np.where(can, np.arange(len(can)), np.resize(np.flatnonzero(can), len(can)))


def _solve(
    people: People, rows: Sequence[ChartedScore], limb: int, seen: _Seen, ceiling: float
) -> tuple[np.ndarray, People, Float[np.ndarray, "row patient"]]:
    """Return the bias of a limb (mV), people whose groups depart as charted, and by how much each row is missed."""
    names = [name for name, _ in charted_muscles()]
    chart = _Charted(
        Snapshot.untreated(people.n),
        jnp.asarray(float(rows[0].at_h)),
        seen,
        tuple(SCALES[row.scale] for row in rows),
        tuple(None if row.muscle is None else names.index(row.muscle) for row in rows),
        jnp.asarray(limb),
    )
    wanted = jnp.asarray([_level(row) for row in rows])
    bias = _bias_for(people, chart, wanted, jnp.asarray(ceiling * _BELOW_CEILING))
    if len(rows) > 1:
        people = _departing(people, bias, chart, wanted)
    scored = np.asarray(_scored(people, bias, chart))
    return np.asarray(bias)[limb], people, scored - np.array([row.number for row in rows])[:, None]


def _level(row: ChartedScore) -> float:
    """Return the level of the latent measure that a charted score stands for."""
    latent_of = SCALES[row.scale].latent_of
    return row.number if latent_of is None else latent_of(row.number)


class _Charted(eqx.Module):
    """Rows of a chart of one limb, looked at without drug or noise; a row is of a muscle group, or of the limb."""

    untreated: Snapshot
    time_h: Float[Array, ""]
    seen: _Seen
    scales: tuple[Scale, ...]
    muscles: tuple[int | None, ...]
    limb: Index

    def rows(self, people: People, bias: Limbs, *, is_latent: bool) -> Float[Array, "row patient"]:
        """Return the latent measure, or the score itself, of each row of people with a bias."""
        seen = self.seen
        now = dataclasses.replace(people, bias=bias, time_since_onset_h=jnp.full(people.n, self.time_h))
        exam = examine_at(now, self.untreated, seen.body, seen.speed, seen.healthy, jnp.ones(()))
        standing = stance_of(now, self.untreated, seen.body, seen.load)
        look = Look(now, exam, standing, no_luck(people.n), jnp.zeros(people.n), seen.scales, seen.own)
        found = []
        for scale, muscle in zip(self.scales, self.muscles, strict=True):
            measure = scale.latent or scale.score if is_latent else scale.score
            assert measure is not None
            level = measure(look)
            of_limb = limb_mean(level) if scale.of_muscles else level
            found.append(of_limb[self.limb] if muscle is None else level[muscle])
        return jnp.stack(found)


@compiled
def _scored(people: People, bias: Limbs, chart: _Charted) -> Float[Array, "row patient"]:
    return chart.rows(people, bias, is_latent=False)


@compiled
def _bias_for(people: People, chart: _Charted, wanted: Float[Array, " row"], highest: Float[Array, ""]) -> Limbs:
    """Return the bias at which the charted rows of a limb have, as a mean, the wanted level, by bisection."""

    def is_above(bias: Limbs) -> Array:
        return (chart.rows(people, bias, is_latent=True) - wanted[:, None]).sum(axis=0) > 0

    low = jnp.zeros((len(LIMBS), people.n))
    return _bisected(is_above, low, low + highest)


@compiled
def _departing(people: People, bias: Limbs, chart: _Charted, wanted: Float[Array, " row"]) -> People:
    """Return people whose charted muscle groups depart from their limb until each has its own level, by bisection."""
    rows = jnp.asarray([muscle for muscle in chart.muscles if muscle is not None])

    def with_deviation(deviation: Array) -> People:
        moved = people.traits.muscle_deviation.at[rows].set(deviation)
        return dataclasses.replace(people, traits=dataclasses.replace(people.traits, muscle_deviation=moved))

    def is_above(deviation: Array) -> Array:
        return chart.rows(with_deviation(deviation), bias, is_latent=True) > wanted[:, None]

    furthest = jnp.full((len(chart.muscles), people.n), _FURTHEST)
    return with_deviation(_bisected(is_above, -furthest, furthest))


def _bisected(is_above: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """Return where, between two ends, something that rises becomes too much; each element for itself."""

    def halve(_: Array, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = (low + high) / 2
        above = is_above(middle)
        return jnp.where(above, low, middle), jnp.where(above, middle, high)

    low, high = lax.fori_loop(0, _HALVINGS, halve, (low, high))
    return (low + high) / 2
