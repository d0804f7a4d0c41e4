"""The chart: every scale at one visit, from an examination and the luck of raters and reports."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from eutonia import _streams, parameters
from eutonia._types import Scalar
from eutonia.assessment import ashworth, spasms
from eutonia.assessment.scales import SCALES, Scale
from eutonia.assessment.walking import WalkingConstants
from eutonia.limb.muscle import charted_groups, muscle_groups, muscles_of
from eutonia.patient import LIMBS
from eutonia.simulation.examine import BodyConstants, Examination, body_constants, excess_curve
from eutonia.simulation.muscle_luck import muscle_asked, muscle_rows
from eutonia.simulation.people import People
from eutonia.simulation.stance import Stance

Limbs = Float[Array, "limb patient"]
Muscles = Float[Array, "muscle patient"]
Patients = Float[Array, " patient"]
Scores = Array | np.ndarray


class ChartConstants(eqx.Module):
    """Numbers that turn findings into scores, read once from the records."""

    curve: Float[Array, "muscle point"]
    grade_per_bias: Scalar
    healthy_probit: Scalar
    grades_per_probit: Scalar
    reflex_noise: Scalar
    spasm_intercept: Scalar
    spasm_slope: Scalar
    spasm_noise: Scalar
    spasm_marks: tuple[Scalar, ...]
    rater_residual: Scalar
    rater_bias: Scalar
    rater_noise_from: Scalar
    walking: WalkingConstants

    @classmethod
    def from_records(cls, body: BodyConstants) -> ChartConstants:
        """Read the sets of the scales; the Ashworth curve comes from the limbs of `body`."""
        bedside, reflexes, spasm = (parameters.load(name) for name in ("bedside", "reflex", "spasm"))
        grade_per_bias = bedside.value("grade_per_bias", "1/mV")
        return cls(
            curve=excess_curve(ashworth.reference_grid(), body),
            grade_per_bias=grade_per_bias,
            healthy_probit=parameters.load("receptor").value("volley_drive_mean", "1"),
            grades_per_probit=reflexes.value("grades_per_probit", "1"),
            reflex_noise=reflexes.value("score_noise", "1"),
            spasm_intercept=spasm.value("rate_without_bias", "1"),
            spasm_slope=spasm.value("decades_per_bias", "1/mV"),
            spasm_noise=spasm.value("report_noise", "1"),
            spasm_marks=spasms.penn_marks(),
            rater_residual=bedside.value("rater_residual", "1"),
            rater_bias=bedside.value("rater_bias", "1"),
            rater_noise_from=grade_per_bias * parameters.load("tone").value("muscle_deviation_from", "mV"),
            walking=WalkingConstants.from_records(),
        )


class Chart(eqx.Module):
    """Scores of the affected side at one visit, each under the key of its scale (`eutonia.assessment.scales`).

    Of a scale that scores muscle groups, those are under "KEY_muscle", and their mean over a limb under "KEY". A score
    is read as `chart["ashworth"]` or `chart.ashworth`.
    """

    scores: dict[str, Scores]

    def __getitem__(self, key: str) -> Scores:
        """Return the scores of a scale: limb by patient, or one a patient."""
        return self.scores[key]

    def __getattr__(self, key: str) -> Scores:
        """Return the scores of a scale."""
        if key.startswith("__") or key == "scores" or key not in self.scores:
            raise AttributeError(key)
        return self.scores[key]


class ChartLuck(eqx.Module):
    """What raters and reports add at one visit (latent units of each scale); zero for noiseless raters.

    `own` holds that of scales which meet luck of their own.
    """

    rater: Float[Scores, "muscle patient"]
    reflex: Float[Scores, "limb patient"]
    spasm: Float[Scores, "limb patient"]
    own: dict[str, Scores] = eqx.field(default_factory=dict)


class Look(eqx.Module):
    """All that a scale may be scored from: the people, what an examination finds, and what raters and reports add.

    `nonspecific` is the change of the latent grade that attention, expectation and regression bring, in grades (0
    before treatment and in a double-blind single dose); it moves what is charted, never the person. `own` holds what
    each scale reads of records for itself, by its key.
    """

    people: People
    exam: Examination
    stance: Stance
    luck: ChartLuck
    nonspecific: Patients
    constants: ChartConstants
    own: dict[str, Any] = eqx.field(default_factory=dict)

    @property
    def latent_grade(self) -> Muscles:
        """The latent Ashworth grade of each muscle group, 0 = normal."""
        return latent_grades(self.exam, self.constants) + self.nonspecific

    @property
    def scatter(self) -> Muscles:
        """What a rater adds to the latent grade of each muscle group."""
        return ashworth.rater_scatter(self.latent_grade, jnp.asarray(self.luck.rater), self.constants.rater_noise_from)


@parameters.remembered
def chart_constants() -> ChartConstants:
    """Return the constants of the chart, read once from the records."""
    return ChartConstants.from_records(body_constants())


def draw_luck(
    seed: int | Int[Array, ""], person: Int[Array, " patient"], visit: int | Int[Array, ""], constants: ChartConstants
) -> ChartLuck:
    """Draw the noise of one visit: the same person at the same visit meets the same noise in every arm.

    One rater follows a person through a study, so the rater's severity is drawn without the visit.
    """
    purpose, muscles = _streams.Purpose, charted_groups()
    asked: list[list[_streams.Asked]] = [
        [(purpose.RATER_SEVERITY, 0, 1)],
        muscle_asked(muscles, purpose.RATER, visit),
        [(purpose.REPORT, visit, 2 * len(LIMBS))],
    ]
    lucky = [scale for scale in SCALES.values() if scale.noise is not None and scale.luck == "own"]
    for scale in lucky:
        look = zlib.crc32(f"{scale.key} {int(visit)}".encode()) >> 1
        asked.append(muscle_asked(muscles[: _rows(scale)], purpose.SCALE, look))
    found: Iterator[Any] = iter(_streams.normals(seed, person, [one for some in asked for one in some]))
    severity, of_muscles, report, *own = [[next(found) for _ in some] for some in asked]
    scatter: Any = muscle_rows(muscles, of_muscles)
    return ChartLuck(
        rater=constants.rater_bias * severity[0] + constants.rater_residual * scatter,
        reflex=constants.reflex_noise * report[0][: len(LIMBS)],
        spasm=constants.spasm_noise * report[0][len(LIMBS) :],
        own={
            scale.key: scale.noise(constants) * _shaped(muscle_rows(muscles[: _rows(scale)], drawn), scale)
            for scale, drawn in zip(lucky, own, strict=True)
            if scale.noise is not None
        },
    )


def _rows(scale: Scale) -> int:
    """Return how many scores a person has on a scale."""
    return {"person": 1, "limb": len(LIMBS), "muscle": len(charted_groups())}[scale.per]


def _shaped(rows: Any, scale: Scale) -> Any:
    """Return as many rows as a scale has scores a person; one row without its axis."""
    return rows[0] if scale.per == "person" else rows[: _rows(scale)]


def no_luck(n_patients: int) -> ChartLuck:
    """Return the luck of noiseless raters."""
    limbs, muscles = (np.zeros((len(rows), n_patients)) for rows in (LIMBS, charted_groups()))
    lucky = [scale for scale in SCALES.values() if scale.noise is not None and scale.luck == "own"]
    return ChartLuck(muscles, limbs, limbs, {scale.key: _shaped(muscles, scale) for scale in lucky})


def charted_muscles() -> tuple[tuple[str, str], ...]:
    """Return name and limb of each muscle group of a chart, in the order of its muscle axis."""
    return tuple((group.name, group.limb) for group in muscle_groups())


def limb_mean(muscles: Muscles) -> Limbs:
    """Return the mean over the muscle groups of each limb, ours: one that others bring is charted beside them."""
    return jnp.stack([sum(muscles[i] for i in muscles_of(limb)) / len(muscles_of(limb)) for limb in LIMBS])


def latent_grades(exam: Examination, constants: ChartConstants) -> Muscles:
    """Return the latent Ashworth grade of each muscle group before any rater hears of it (0 = normal)."""
    return jax.vmap(lambda excess, curve: ashworth.latent_grade(excess, curve, constants.grade_per_bias))(
        exam.excess, constants.curve
    )


def chart(
    people: People,
    exam: Examination,
    stance: Stance,
    luck: ChartLuck,
    nonspecific: Patients,
    constants: ChartConstants,
) -> Chart:
    """Score one visit on every scale; `nonspecific` as in `Look`."""
    scales = tuple(scale for scale in SCALES.values() if scale.score is not None)
    return _chart(look_at(people, exam, stance, luck, nonspecific, constants), scales)


def look_at(
    people: People,
    exam: Examination,
    stance: Stance,
    luck: ChartLuck,
    nonspecific: Patients,
    constants: ChartConstants,
) -> Look:
    """Return a look from which every scale can be scored, with what each reads of records for itself."""
    own = {key: _read_by(scale) for key, scale in SCALES.items() if scale.constants is not None}
    return Look(people, exam, stance, luck, nonspecific, constants, own)


@parameters.remembered
def _read_by(scale: Scale) -> Any:
    assert scale.constants is not None
    return scale.constants()


@partial(jax.jit, static_argnames="scales")
def _chart(look: Look, scales: tuple[Scale, ...]) -> Chart:
    found: dict[str, Scores] = {}
    for scale in scales:
        assert scale.score is not None
        scores = scale.score(look)
        if scale.of_muscles:
            found[f"{scale.key}_muscle"] = scores
        found[scale.key] = limb_mean(scores) if scale.of_muscles else scores
    return Chart(found)


@partial(jax.jit, static_argnames="scale")
def expected(look: Look, scale: Scale) -> Array:
    """Return the mean over raters of a scale that has one: a limb's, or the person's."""
    assert scale.expected is not None
    mean = scale.expected(look)
    return limb_mean(mean) if scale.of_muscles else mean
