"""The chart: every scale at one visit, from an examination and the luck of raters and reports."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from eutonia import _streams, parameters
from eutonia._types import Scalar
from eutonia.assessment import ashworth, reflex, spasms, walking
from eutonia.limb.muscle import N_CHARTED, muscle_groups, muscles_of
from eutonia.patient import LIMBS
from eutonia.simulation.examine import BodyConstants, Examination, body_constants, excess_curve
from eutonia.simulation.people import People
from eutonia.simulation.stance import Stance

Limbs = Float[Array, "limb patient"]
Muscles = Float[Array, "muscle patient"]
Patients = Float[Array, " patient"]


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
    pain_per_spasm: Scalar
    pain_per_contracture: Scalar
    speed: tuple[Scalar, Scalar, Scalar]
    support: tuple[Scalar, Scalar]

    @classmethod
    def from_records(cls, body: BodyConstants) -> ChartConstants:
        """Read the sets of the scales; the Ashworth curve comes from the limbs of `body`."""
        bedside, reflexes, spasm = (parameters.load(name) for name in ("bedside", "reflex", "spasm"))
        gait, pain = parameters.load("walking"), parameters.load("pain")
        return cls(
            curve=excess_curve(ashworth.reference_grid(), body),
            grade_per_bias=bedside.value("grade_per_bias", "1/mV"),
            healthy_probit=parameters.load("receptor").value("volley_drive_mean", "1"),
            grades_per_probit=reflexes.value("grades_per_probit", "1"),
            reflex_noise=reflexes.value("score_noise", "1"),
            spasm_intercept=spasm.value("rate_without_bias", "1"),
            spasm_slope=spasm.value("decades_per_bias", "1/mV"),
            spasm_noise=spasm.value("report_noise", "1"),
            spasm_marks=spasms.penn_marks(),
            rater_residual=bedside.value("rater_residual", "1"),
            rater_bias=bedside.value("rater_bias", "1"),
            rater_noise_from=bedside.value("rater_noise_from", "1"),
            pain_per_spasm=pain.value("pain_per_spasm_score", "1"),
            pain_per_contracture=pain.value("pain_per_contracture", "1"),
            speed=(
                gait.value("healthy_speed", "m/s"),
                gait.value("strength_exponent", "1"),
                gait.value("swing_brake", "1/mV"),
            ),
            support=(gait.value("voluntary_torque", "N m/kg"), gait.value("needed_torque", "N m/kg")),
        )


class Chart(eqx.Module):
    """Scores of the affected side at one visit.

    `ashworth_muscle` 1-5 and `modified_ashworth_muscle` (1+ coded 1.5) of each muscle group, the same averaged over
    a limb; `reflex` 0-5, `spasm` 0-4, `h_reflex` H/M as a ratio; `pain` 0-10, `walking_speed` m/s,
    `stance_support` stance stability index. A field has the key of its scale in `eutonia.assessment.scales`.
    """

    ashworth_muscle: Muscles
    modified_ashworth_muscle: Muscles
    ashworth: Limbs
    modified_ashworth: Limbs
    reflex: Limbs
    spasm: Limbs
    h_reflex: Limbs
    pain: Patients
    walking_speed: Patients
    stance_support: Patients


class ChartLuck(eqx.Module):
    """What raters and reports add at one visit (latent units of each scale); zero for noiseless raters."""

    rater: Muscles
    reflex: Limbs
    spasm: Limbs


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
    purpose = _streams.Purpose
    own_rater = _streams.normal(_streams.keys(seed, purpose.RATER_SEVERITY, person), 1)
    scatter = _streams.normal(_streams.keys(seed, purpose.RATER, person, visit), N_CHARTED)
    report = _streams.normal(_streams.keys(seed, purpose.REPORT, person, visit), 2 * len(LIMBS))
    return ChartLuck(
        rater=constants.rater_bias * own_rater + constants.rater_residual * scatter,
        reflex=constants.reflex_noise * report[: len(LIMBS)],
        spasm=constants.spasm_noise * report[len(LIMBS) :],
    )


def no_luck(n_patients: int) -> ChartLuck:
    """Return the luck of noiseless raters."""
    limbs = jnp.zeros((len(LIMBS), n_patients))
    return ChartLuck(jnp.zeros((N_CHARTED, n_patients)), limbs, limbs)


def charted_muscles() -> tuple[tuple[str, str], ...]:
    """Return name and limb of each muscle group of a chart, in the order of its muscle axis."""
    return tuple((group.name, group.limb) for group in muscle_groups())


def limb_mean(muscles: Muscles) -> Limbs:
    """Return the mean over the muscle groups of each limb."""
    return jnp.stack([sum(muscles[i] for i in muscles_of(limb)) / len(muscles_of(limb)) for limb in LIMBS])


def latent_grades(exam: Examination, constants: ChartConstants) -> Muscles:
    """Return the latent Ashworth grade of each muscle group before any rater hears of it (0 = normal)."""
    return jax.vmap(lambda excess, curve: ashworth.latent_grade(excess, curve, constants.grade_per_bias))(
        exam.excess, constants.curve
    )


@jax.jit
def chart(
    people: People,
    exam: Examination,
    stance: Stance,
    luck: ChartLuck,
    nonspecific: Patients,
    constants: ChartConstants,
) -> Chart:
    """Score one visit.

    `nonspecific` is the change of the latent grade that attention, expectation and regression bring, in grades (0
    before treatment and in a double-blind single dose); it moves what is charted, never the person.
    """
    c = constants
    latent = latent_grades(exam, c) + nonspecific
    scatter = ashworth.rater_scatter(latent, luck.rater, c.rater_noise_from)
    grades = ashworth.ashworth_score(latent, scatter)
    modified = ashworth.modified_ashworth_code(latent, scatter)
    jerk = reflex.reflex_latent(exam.tap_probit, c.healthy_probit, c.grades_per_probit) + nonspecific
    rate = spasms.spasm_rate_log10(exam.bias, people.traits.spasm, c.spasm_intercept, c.spasm_slope)
    told = spasms.penn_score(rate + nonspecific, c.spasm_marks, luck.spasm)
    worst = jnp.maximum(told[0], told[1])
    stiff = jnp.minimum(jnp.maximum(exam.contracture[0], exam.contracture[1]), 1.0)
    return Chart(
        ashworth_muscle=grades,
        modified_ashworth_muscle=modified,
        ashworth=limb_mean(grades),
        modified_ashworth=limb_mean(modified),
        reflex=reflex.reflex_grade(jerk, luck.reflex),
        spasm=told,
        h_reflex=exam.h_over_m,
        pain=c.pain_per_spasm * worst + c.pain_per_contracture * stiff,
        walking_speed=walking.comfortable_speed(stance.strength, stance.bias, *c.speed),
        stance_support=walking.stance_support(stance.strength, stance.tone_torque, *c.support),
    )
