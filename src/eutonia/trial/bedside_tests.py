"""The tests of an examination by name; those that move a limb, each for all people at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import jax.numpy as jnp
import numpy as np

from eutonia import _streams, parameters
from eutonia.assessment import ashworth, clonus, pendulum, reflex, split, tardieu, threshold
from eutonia.assessment.scoring import chart_constants
from eutonia.limb.joint import joint
from eutonia.limb.muscle import MuscleGroup, all_muscle_groups
from eutonia.limb.swing import Limb, Motion, torques
from eutonia.patient import LIMBS
from eutonia.simulation import clonus as clonus_test
from eutonia.simulation import pendulum as pendulum_test
from eutonia.simulation.bedside import Bedside, bedside_constants, group, stepped_constants
from eutonia.simulation.examine import Examination, examine_at, excess_curve, healthy_resistance
from eutonia.simulation.maneuver import PassiveStretch
from eutonia.simulation.stretching import stretch_and_hold
from eutonia.trial import nerve_tests
from eutonia.trial.findings import Found, MovementTrace, finding, nearest_to_median

# Seconds of recording kept after a stretch, numerical; a quick stretch and its hold.
_QUICK_S = 1.5
_SPLIT_OF = {"leg": "ankle plantarflexors", "arm": "wrist flexors"}
# The muscle group of each limb whose stretch is drawn.
_SHOWN = {"leg": "knee extensors", "arm": "elbow flexors"}


def _pendulum(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    name, constants = pendulum_test.MUSCLE, stepped_constants()
    limb = at.limb(name)
    motion = pendulum_test.pendulum(limb, constants)
    score = pendulum.pendulum_score(motion, pendulum.PendulumConstants.from_records())
    rows = (
        ("First swing excursion", "deg", score.first_swing),
        ("Rest angle", "deg", score.rest_angle),
        ("Relaxation index", "", score.relaxation_index),
        ("Relaxation index / 1.6", "", score.normalised_index),
        ("Oscillations above 3 deg", "count", score.oscillations),
        ("Peak velocity", "deg/s", score.peak_velocity),
        ("Time of peak velocity", "s", score.peak_velocity_time),
    )
    trace = _trace("pendulum", name, "Pendulum: knee flexion after release", motion, limb, score.first_swing)
    return [finding("pendulum", name, *row) for row in rows], [trace]


def _clonus(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    name = clonus_test.MUSCLE
    limb = at.limb(name)
    motion, score = _clonus_score(at)
    rows = (
        ("Beats", "count", score.beats),
        ("Frequency", "Hz", score.frequency),
        ("Time of the last beat", "s", score.duration),
        ("More than 5 beats", "share", score.sustained),
    )
    trace = _trace("clonus", name, "Clonus: dorsiflexion while pressed", motion, limb, score.beats)
    return [finding("clonus", name, *row) for row in rows], [trace]


def _clonus_score(at: Bedside) -> tuple[Motion, clonus.ClonusScore]:
    name = clonus_test.MUSCLE
    motion = clonus_test.clonus(at.limb(name), at.healthy(name), stepped_constants())
    return motion, clonus.clonus_score(motion, clonus.ClonusConstants.from_records())


def _tardieu(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    constants = tardieu.TardieuConstants.from_records()
    healthy_rest = bedside_constants().passive.passive_rest_angle
    beats = _clonus_score(at)[1] if "leg" in limbs else None
    sustained = parameters.load("examination").value("clonus_sustained", "1")
    findings, traces = [], []
    for row, of in enumerate(all_muscle_groups()):
        if of.limb not in limbs:
            continue
        r2 = of.range_of_motion * tardieu.passive_range(at.state.rest_angle[row], healthy_rest)
        limb, met = at.limb(of.name), {}
        for speed in ("V2", "V3"):
            motion = _by_hand(limb, of, PassiveStretch(speed))
            met[speed] = tardieu.catch(motion, limb, stepped_constants())
        caught = {v: jnp.minimum(jnp.rad2deg(one.angle), r2) for v, one in met.items()}
        beating = beats if of.name == clonus_test.MUSCLE else None
        count, lasted = (beating.beats, beating.duration) if beating is not None else (0.0, 0.0)
        quality = tardieu.quality(met["V3"].torque, count, lasted, sustained, constants)
        findings += [
            finding("tardieu", of.name, "R2, passive range at V1", "deg", r2),
            finding("tardieu", of.name, "Angle of catch at V2", "deg", caught["V2"]),
            finding("tardieu", of.name, "R1, angle of catch at V3", "deg", caught["V3"]),
            finding("tardieu", of.name, "Spasticity angle, R2 - R1", "deg", r2 - caught["V3"]),
            finding("tardieu", of.name, "Quality X at V3", "", quality, _QUALITIES),
        ]
        if of.name in _SHOWN.values():
            title = f"Fast stretch (V3) of the {of.name}"
            traces.append(_trace("tardieu", of.name, title, motion, limb, caught["V3"]))
    return findings, traces


_QUALITIES = tuple(f"{one.value} {one.name.lower().replace('_', ' ')}" for one in tardieu.TardieuQuality)


def _by_hand(limb: Limb, of: MuscleGroup, stretching: PassiveStretch) -> Motion:
    """Return a stretch through the range whose highest speed is that of the maneuver."""
    peak = float(stretching.degrees_per_second((of,))[0])
    end = float(np.deg2rad(of.range_of_motion))
    return stretch_and_hold(limb, stepped_constants(), (0.0, end), float(np.deg2rad(peak)), _QUICK_S, by_hand=True)


def _threshold(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    records = parameters.load("examination")
    speed, scatter = jnp.asarray(records.array("threshold_speeds", "deg/s")), records.value("threshold_scatter", "deg")
    delay = float(bedside_constants().ramp.delay)
    findings = []
    for row, of in enumerate(all_muscle_groups()):
        if of.limb not in limbs:
            continue
        keys = _streams.keys(seed, _streams.Purpose.EXAMINATION, at.people.person, row)
        noise = scatter * _streams.normal(keys, len(speed))
        onset = threshold.onset_angles(
            at.state.threshold[row] * of.range_of_motion, at.state.velocity_sensitivity[row], delay, speed, noise
        )
        score = threshold.threshold_score(onset, speed, of.range_of_motion)
        findings += [
            finding("threshold", of.name, "Tonic stretch reflex threshold", "deg", score.threshold),
            finding("threshold", of.name, "Its standard error", "deg", score.standard_error),
            finding("threshold", of.name, "Fall of the threshold with speed", "s", score.slope),
            finding("threshold", of.name, f"Stretches answered, of {len(speed)}", "count", score.answered),
        ]
    return findings, []


def _ashworth(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    exam = _examined(at)
    scale, body = chart_constants(), bedside_constants()
    curve = excess_curve(ashworth.reference_grid(), body)
    modified = tuple(str(one) for one in ashworth.ModifiedAshworth)
    findings = []
    for row, of in enumerate(all_muscle_groups()):
        if of.limb not in limbs:
            continue
        latent = ashworth.latent_grade(exam.excess[row], curve[row], scale.grade_per_bias)
        newton_metres = exam.response.mean_resistance[row] * at.limb(of.name).ceiling
        findings += [
            finding("ashworth", of.name, "Ashworth, 1 to 5", "", ashworth.ashworth_score(latent) - 1, _ASHWORTH),
            finding("ashworth", of.name, "Modified Ashworth", "", ashworth.modified_ashworth_rank(latent), modified),
            finding("ashworth", of.name, "Mean resisting torque", "N m", newton_metres),
        ]
    return findings, [_ramp_trace(at, limb) for limb in limbs]


_ASHWORTH = tuple(str(one.value) for one in ashworth.Ashworth)
_TENDON = ("0 absent", "1 weak", "2 normal", "3 brisk", "4 unsustained clonus", "5 sustained clonus")


def _tendon(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    exam, scale = _examined(at), chart_constants()
    latent = reflex.reflex_latent(exam.tap_probit, scale.healthy_probit, scale.grades_per_probit)
    grade = reflex.reflex_grade(latent)
    return [finding("tendon", limb, "Tendon jerk", "", grade[LIMBS.index(limb)], _TENDON) for limb in limbs], []


def _split(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    records, constants = parameters.load("examination"), stepped_constants()
    slow, fast, hold = records.values(split_slow="deg/s", split_fast="deg/s", split_hold="s")
    findings, traces = [], []
    for limb in limbs:
        name = _SPLIT_OF[limb]
        moved, span = at.limb(name), joint(group(name).joint).range_rad
        path = (span * records.value("split_from", "1"), span * records.value("split_to", "1"))
        lasting = {v: float(np.rad2deg(path[1] - path[0])) / v + hold for v in (slow, fast)}
        slowly, quickly = (stretch_and_hold(moved, constants, path, float(np.deg2rad(v)), lasting[v]) for v in lasting)
        found = split.split(slowly, quickly, moved, constants)
        findings += [
            finding("split", name, "Neural component", "N m", found.neural),
            finding("split", name, "Elastic component", "N m", found.elastic),
            finding("split", name, "Viscous component", "N m", found.viscous),
            finding("split", name, "Reflex torque at the end of the fast stretch", "N m", found.reflex),
        ]
        title = f"Slow and fast: {name} at {fast:g} deg/s, then held"
        traces.append(_trace("split", name, title, quickly, moved, found.neural))
    return findings, traces


def _examined(at: Bedside) -> Examination:
    """Stretch every muscle group as for an Ashworth score, and tap."""
    body = bedside_constants()
    speed = jnp.asarray(PassiveStretch().ranges_per_second(all_muscle_groups()))
    return examine_at(at.people, at.snapshot, body, speed, healthy_resistance(body, speed), jnp.ones(()))


def _ramp_trace(at: Bedside, limb: str) -> MovementTrace:
    """Return the recording of an Ashworth stretch, at the constant speed of its closed form."""
    of = group(_SHOWN[limb])
    moved, end = at.limb(of.name), float(np.deg2rad(of.range_of_motion))
    motion = stretch_and_hold(moved, stepped_constants(), (0.0, end), float(np.deg2rad(of.speed)), _QUICK_S)
    peak = torques(motion, moved, stepped_constants()).reflex.max(axis=0)
    title = f"Ashworth stretch of the {of.name} at {of.speed:.0f} deg/s, then held"
    return _trace("ashworth", of.name, title, motion, moved, peak)


def _trace(test: str, of: str, title: str, motion: Motion, limb: Limb, outcome: Any) -> MovementTrace:
    import xarray as xr

    resisted = torques(motion, limb, stepped_constants())
    series = {
        "angle_deg": (np.rad2deg(motion.angle), "deg", "Joint angle"),
        "velocity_deg_per_s": (np.rad2deg(motion.velocity), "deg/s", "Joint velocity"),
        "torque_Nm": (np.asarray(resisted.total), "N m", "Resisting torque"),
        "neural_Nm": (np.asarray(resisted.neural), "N m", "Neural torque: reflex and background tone"),
        "passive_Nm": (np.asarray(resisted.passive), "N m", "Passive torque: tissue, viscosity, short-range stiffness"),
    }
    data = {
        name: xr.Variable(("time_s", "patient"), values, {"units": unit, "long_name": label})
        for name, (values, unit, label) in series.items()
    }
    time = xr.Variable(("time_s",), np.asarray(motion.time), {"units": "s", "long_name": "Time"})
    people = np.arange(motion.angle.shape[1])
    return MovementTrace(
        test, of, title, xr.Dataset(data, {"time_s": time, "patient": people}), nearest_to_median(outcome)
    )


@dataclass(frozen=True)
class Test:
    """One test: its name, how it is done and scored in a few words, the limbs it can be done on, and the doing."""

    label: str
    how: str
    limbs: tuple[str, ...]
    do: Callable[[Bedside, Sequence[str], int], Found]


TESTS: Mapping[str, Test] = MappingProxyType(
    {
        "pendulum": Test(
            "Pendulum",
            "Lying, thigh supported; the shank is let go from the horizontal. Relaxation index: first swing over the "
            "way to rest; divided by 1.6 a healthy leg has about 1 (Rahimi 2020).",
            ("leg",),
            _pendulum,
        ),
        "clonus": Test(
            "Clonus",
            "Foot pushed into dorsiflexion at Tardieu's fast speed and pressed at the end of range. A beat is a swing "
            "above 3 deg; more than 5 in a train are sustained.",
            ("leg",),
            _clonus,
        ),
        "tardieu": Test(
            "Tardieu",
            "V1 as slow as possible, V2 as the segment falls, V3 as fast as possible. Angles from the shortest "
            "position of the muscle. Quality 0 to 4: none, slight, catch, fatigable, unfatigable clonus.",
            LIMBS,
            _tardieu,
        ),
        "threshold": Test(
            "Reflex threshold",
            "Eight stretches at 25 to 300 deg/s; the angle at which the muscle answers, taken back to speed zero. "
            "Angles from the shortest position.",
            LIMBS,
            _threshold,
        ),
        "ashworth": Test(
            "Ashworth",
            "Each muscle group stretched through its range in about a second. Ashworth 1 (normal) to 5, Modified "
            "Ashworth 0 to 4 with 1+.",
            LIMBS,
            _ashworth,
        ),
        "tendon": Test("Tendon jerk", "A brisk tap; 0 absent, 2 normal, 5 sustained clonus.", LIMBS, _tendon),
        "split": Test(
            "Split of resistance",
            "One slow and one fast stretch between the same angles, as the NeuroFlexor does; torque at the joint. "
            "Reflex activity that outlasts the slow stretch counts as elastic.",
            LIMBS,
            _split,
        ),
        "h-reflex": Test(
            "H-reflex",
            "Tibial nerve shocked with growing currents, EMG of the soleus; waves in shares of the largest M. "
            f"Spiking segments of {nerve_tests.PEOPLE} people, evenly spread by tone, as in the next three.",
            ("leg",),
            nerve_tests.h_reflex,
        ),
        "f-wave": Test(
            "M and F waves",
            "Forty supramaximal shocks to a motor nerve: the share that is answered, and how large the answers are.",
            ("leg",),
            nerve_tests.f_wave,
        ),
        "depression": Test(
            "Post-activation depression",
            "The fourth H of a train over the first; a train of four at each frequency, at half the largest H.",
            ("leg",),
            nerve_tests.depression,
        ),
        "inhibition": Test(
            "Vibratory and reciprocal inhibition",
            "H while the tendon is shaken, and 0 to 12 ms after a shock to the peroneal nerve at its motor "
            "threshold, each over H alone.",
            ("leg",),
            nerve_tests.inhibition,
        ),
    }
)
#: Tests that shock a nerve: far slower than those that move a limb.
NERVE = ("h-reflex", "f-wave", "depression", "inhibition")
