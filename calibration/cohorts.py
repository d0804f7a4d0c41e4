"""Cohorts for the calibration: people with a study's published baseline, moved through time by the same code as a
trial.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from eutonia import _streams, parameters, session
from eutonia.assessment.ashworth import expected_score
from eutonia.assessment.reflex import reflex_latent
from eutonia.assessment.scoring import ChartConstants, chart, draw_luck, latent_grades
from eutonia.assessment.spasms import penn_marks, spasm_rate_log10
from eutonia.drug import policy
from eutonia.drug.effect.gaba_b import Receptor, receptor_spread
from eutonia.drug.kinetics import IntrathecalValues, Kinetics
from eutonia.limb.muscle import muscles_of
from eutonia.simulation.course import Course, CourseState, start
from eutonia.simulation.examine import BodyConstants, examine
from eutonia.simulation.people import People, Traits
from eutonia.simulation.stance import stance
from eutonia.simulation.tissue import is_touched, settled, tissue_left
from eutonia.tone.spinal import VolleyConstants

SEED = 20_260
LIMBS_CORRELATION = 0.5
IN_FLUID = ("dispersion", "csf_clearance_rate", "fast_effect_rate", "slow_effect_rate", "lumbar_puncture_spread")
AT_RECEPTOR = (
    "ec50", "hill", "release_block", "hyperpolarisation", "drive_share", "leg_to_arm", "acute_shift", "acute_time",
    "fast_shift", "slow_shift", "terminal_tolerance", "tone_potency",
)  # fmt: skip
HOURS_PER_MONTH = 730.5


@dataclass(frozen=True)
class Study:
    """Published baseline of a study: Ashworth mean and SD of leg and arm; reflex and spasm means if printed (leg,
    arm).
    """

    name: str
    origin: str
    leg: tuple[float, float]
    arm: tuple[float, float]
    reflex: tuple[float, float] | None = None
    spasm: tuple[float, float] | None = None
    tip: str = "T10"


@dataclass
class Charted:
    """Scores of a block: expected Ashworth (smooth), reflex and spasm (smooth), H/M, and Ashworth as charted, where a
    rater was asked; limbs by people.
    """

    expected: np.ndarray
    reflex: np.ndarray
    spasm: np.ndarray
    h_reflex: np.ndarray
    bias: np.ndarray
    ashworth: np.ndarray | None = None


@dataclass
class Block:
    """People of a study, their clock and the constants of the chart under trial values."""

    people: People
    course: Course
    state: CourseState
    body: BodyConstants
    scales: ChartConstants
    reflex_shift: np.ndarray
    spasm_shift: np.ndarray
    now: float = 0.0
    event: float = -1e4
    rate: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def bolus(self, amount: float, access: str) -> None:
        """Give everybody a bolus now."""
        self.state = self.course.bolus(self.state, jnp.full(self.people.n, amount), access)
        self.event = self.now

    def infuse(self, dose_per_day: float | np.ndarray) -> None:
        """Programme everybody's pump, ug/day."""
        self.rate = np.broadcast_to(np.asarray(dose_per_day, dtype=float) / 24, (self.people.n,))
        self.event = self.now if self.event < 0 else self.now - 12

    def at(self, hour: float, nonspecific: float = 0.0, *, rated: bool = False) -> Charted:
        """Advance to `hour` and chart, by a rater too where asked."""
        if hour > self.now:
            span = hour - self.now
            state = self.course.advance(self.state, span, jnp.asarray(self.rate), self.now - self.event)
            tissue = state.tissue
            if is_touched(tissue):
                who = self.people
                tissue = settled(tissue, who, who.receptor, span)
            self.state = dataclasses.replace(state, tissue=tissue)
            self.now = hour
        return charted(self, nonspecific, rated=rated)


@cache
def _defaults() -> tuple[BodyConstants, ChartConstants]:
    body = BodyConstants.from_records()
    return body, ChartConstants.from_records(body)


@jax.jit
def _expected(latent: jax.Array, nonspecific: float, noise: float, noise_from: float) -> jax.Array:
    return expected_score(latent + nonspecific, noise, noise_from)


def charted(block: Block, nonspecific: float = 0.0, *, rated: bool = False) -> Charted:
    """Chart a block now."""
    snapshot = block.course.snapshot(block.state)
    left = tissue_left(block.state.tissue, block.people.time_since_onset_h)
    traits = dataclasses.replace(block.people.traits, contracture=block.people.traits.contracture * left)
    people = dataclasses.replace(block.people, traits=traits)
    exam = examine(people, snapshot, block.body)
    scored = None
    if rated:
        luck = draw_luck(SEED, block.people.person, round(block.now * 4) + 1, block.scales)
        shift = jnp.full(block.people.n, nonspecific)
        scored = chart(people, exam, stance(people, snapshot, block.body), luck, shift, block.scales)
    noise = float(np.hypot(block.scales.rater_bias, block.scales.rater_residual))
    expected = np.asarray(
        _expected(latent_grades(exam, block.scales), nonspecific, noise, block.scales.rater_noise_from)
    )
    jerk = np.asarray(reflex_latent(exam.tap_probit, block.scales.healthy_probit, block.scales.grades_per_probit))
    jerk = jerk + block.reflex_shift[:, None] + nonspecific
    rate = np.asarray(
        spasm_rate_log10(exam.bias, block.people.traits.spasm, block.scales.spasm_intercept, block.scales.spasm_slope)
    )
    rate = rate + block.spasm_shift[:, None] + nonspecific
    return Charted(
        expected=np.stack([expected[list(muscles_of(limb))].mean(axis=0) for limb in ("leg", "arm")]),
        reflex=smooth_reflex(jerk, float(block.scales.reflex_noise)),
        spasm=smooth_spasm(rate, float(block.scales.spasm_noise)),
        h_reflex=np.asarray(exam.h_over_m),
        bias=np.asarray(exam.bias),
        ashworth=None if scored is None else np.asarray(scored.ashworth),
    )


def _passed(x: np.ndarray, marks: tuple[float, ...], noise: float) -> np.ndarray:
    from scipy.special import ndtr

    return sum(ndtr((x - m) / noise) for m in marks)


def smooth_reflex(latent: np.ndarray, noise: float) -> np.ndarray:
    """Return the mean charted reflex grade over the scatter of the chart."""
    return _passed(latent, (0.5, 1.5, 2.5, 3.5, 4.5), noise)


def smooth_spasm(rate: np.ndarray, noise: float) -> np.ndarray:
    """Return the mean Penn score over the scatter of the report."""
    return _passed(rate, penn_marks(), noise)


_BUILT: dict[tuple[str, int], tuple[dict[str, float], Block]] = {}


def build(study: Study, values: dict[str, float], n: int) -> Block:
    """Return a study's people before treatment; the last build of each study is kept while the values stay the same."""
    kept = _BUILT.get((study.name, n))
    if kept is None or kept[0] != values:
        kept = (dict(values), _build(study, values, n))
        _BUILT[study.name, n] = kept
    return dataclasses.replace(kept[1], rate=np.zeros(n))


def _build(study: Study, values: dict[str, float], n: int) -> Block:
    """Draw a study's people, with bias solved so that the baseline Ashworth mean and SD are the published ones."""
    body, scales = _defaults()
    spread, gap = values["pool_spread"], body.volley.motoneuron_gap
    volley = VolleyConstants(jnp.asarray(spread), jnp.asarray(body.volley.volley_drive_mean), jnp.asarray(gap))
    body = dataclasses.replace(body, volley=volley)
    scales = dataclasses.replace(
        scales, grades_per_probit=values["grades_per_probit"], spasm_slope=values["decades_per_bias"]
    )
    who = jnp.arange(n)
    iv = dataclasses.replace(
        IntrathecalValues.from_records(),
        **{name: jnp.asarray(values[name]) for name in IN_FLUID},
    )
    kinetics = Kinetics.draw(
        seed=SEED,
        person=who,
        weight_kg=jnp.full(n, 72.0),
        creatinine_clearance=jnp.full(n, 100.0),
        tip=study.tip,
        intrathecal=iv,
    )
    typical = dataclasses.replace(Receptor.typical(), **{name: jnp.asarray(values[name]) for name in AT_RECEPTOR})
    traits = _traits(study, values, n)
    luck = np.array(_streams.normal(_streams.keys(SEED, _streams.Purpose.BIAS, who), 2))
    luck[1] = LIMBS_CORRELATION * luck[0] + np.sqrt(1 - LIMBS_CORRELATION**2) * luck[1]
    people = People(
        person=who,
        weight_kg=jnp.full(n, 72.0),
        kinetics=kinetics,
        receptor=typical.draw(
            _streams.normal(_streams.keys(SEED, _streams.Purpose.RECEPTOR, who), 2), receptor_spread()
        ),
        traits=traits,
        bias=jnp.zeros((2, n)),
        strength=jnp.full((2, n), 0.5),
        time_since_onset_h=jnp.full(n, 36 * HOURS_PER_MONTH),
    )
    block = Block(people, Course(people), start(people), body, scales, np.zeros(2), np.zeros(2), rate=np.zeros(n))
    _solve_bias(block, study, luck)
    return block


def _traits(study: Study, values: dict[str, float], n: int) -> Traits:
    who = jnp.arange(n)
    drawn = Traits.draw(SEED, who, study.origin)
    luck = _streams.normal(_streams.keys(SEED, _streams.Purpose.PASSIVE, who), 2)
    median = values["contracture_stroke"] if study.origin == "stroke" else 0.0
    return dataclasses.replace(drawn, contracture=median * jnp.exp(values["contracture_log_spread"] * luck))


def _solve_bias(block: Block, study: Study, luck: np.ndarray) -> None:
    """Choose mean and spread of the limbs' bias (not below 0) so that baseline scores fit, then the scales' own
    shifts.
    """
    targets = np.array([study.leg, study.arm])
    centre, width = targets[:, 0] - 1.0, targets[:, 1].copy()
    noise = np.hypot(float(block.scales.rater_bias), float(block.scales.rater_residual) / np.sqrt(3))
    for _ in range(10):
        bias = np.maximum(centre[:, None] + width[:, None] * luck, 0.05)
        _set_bias(block, bias)
        now = charted(block).expected
        between = np.sqrt(np.maximum(targets[:, 1] ** 2 - noise**2, 0.04))
        width = np.clip(width * np.clip(between / now.std(axis=1), 0.7, 1.4), 0.1, 4.0)
        centre = centre + (targets[:, 0] - now.mean(axis=1)) * 1.1
    for name, wanted in (("reflex", study.reflex), ("spasm", study.spasm)):
        if wanted is None:
            continue
        shift = getattr(block, f"{name}_shift")
        for _ in range(12):
            shift += np.array(wanted) - getattr(charted(block), name).mean(axis=1)


def _set_bias(block: Block, bias: np.ndarray) -> None:
    block.people = dataclasses.replace(block.people, bias=jnp.asarray(bias))
    block.course.people = block.people


def trial_arm(
    study: Study, values: dict[str, float], n: int, origin: str, months: tuple[int, ...]
) -> dict[int, tuple[np.ndarray, Charted]]:
    """Titrate a study's people by the label after a test bolus; return rate (ug/h) and chart at some months."""
    label, change = parameters.load("label_dosing"), parameters.load("trial").value("nonspecific_change_mean", "grade")
    test = build(study, values, n)
    test.bolus(50.0, "lumbar puncture")
    best = scored_mean(test.at(4.0, rated=True), origin)
    target = np.maximum(label.value("target_score", "score"), best - label.value("target_margin", "score"))
    block = build(study, values, n)
    limits = policy.pump_limits(label.value("highest_dose", "ug/day") / 24)
    block.infuse(100.0 if origin == "cerebral" else 83.0)
    days = [*range(1, 6), *range(21, 121, 21), *range(147, 31 * 37, 42)]
    found: dict[int, tuple[np.ndarray, Charted]] = {}
    for month in months:
        hour = month * HOURS_PER_MONTH
        while days and days[0] * 24 < hour:
            day = days.pop(0)
            now = block.at(day * 24.0, change, rated=True)
            step = policy.daily_step(origin) if day <= 5 else policy.visit_step(origin)
            limiting = now.bias[0] < label.value("hypotonia_latent", "grade")
            block.infuse(24 * policy.titrate(block.rate, scored_mean(now, origin), target, limiting, step, limits))
        found[month] = (block.rate.copy(), block.at(hour, change, rated=True))
    return found


def scored_mean(found: Charted, origin: str) -> np.ndarray:
    """Return what the label's titration looks at: leg and arm for a cerebral origin, the leg for a spinal one."""
    assert found.ashworth is not None
    return found.ashworth.mean(axis=0) if origin == "cerebral" else found.ashworth[0]


session.begin()
