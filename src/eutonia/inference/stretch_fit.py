"""What resists in a recorded limb: reflex threshold, velocity sensitivity and gain, background tone, stiffness and
damping with their uncertainty, and how much of the resistance is neural.

The recording of a pendulum test or of one or more imposed stretches is fitted with the joint model that simulates
patients. What the recording cannot determine keeps the spread that it had before, and is named. Of a stretch the torque
is fitted and the angle taken as known but for its noise, which is in the intervals too.

Source: reduced joint model; priors in the set `inference`.
Not for: voluntary movement, a leg that is held; intervals hold as far as the model does. Not a medical device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from eutonia import _streams, parameters, session
from eutonia._middle import LEVEL, MIDDLE_95, Z_95
from eutonia._progress import Progress, silent
from eutonia.errors import RecordingError, unknown
from eutonia.inference import left_out, meaning
from eutonia.inference.agreement import Agreement, agreement, band
from eutonia.inference.body import body_of
from eutonia.inference.forward import Body, Model, Stretches, Swing
from eutonia.inference.noise import MOST
from eutonia.inference.posterior import Posterior
from eutonia.inference.prepare import Begin, Prepared, prepare_stretch, prepare_swing
from eutonia.inference.priors import ASKED, NOISE, PENDULUM, RAMP, RAMP_FALLING, Prior, Priors, priors
from eutonia.inference.recording import Recording, refuse
from eutonia.inference.sample import Sample, sample
from eutonia.limb.joint import JOINTS
from eutonia.limb.swing import ReflexConstants
from eutonia.simulation.bedside import stepped_constants

TESTS = ("pendulum", "ramp")
_PENDULUM_JOINT = "knee"
#: The parts of the resistance (N m, draw by draw).
Resistance = Mapping[str, Float[np.ndarray, "sample draw"]]
PARTS = ("neural", "reflex", "background", "passive", "elastic", "viscous", "short_range")


@dataclass(frozen=True)
class Estimate:
    """One number: median and 95 % interval after the recording, interval before, and whether it is determined.

    `ratio` is the spread after over the spread before, `left` how far the median lies from what was known before, in
    prior standard deviations; `determined` is "yes", "partly", "no", or "missed" where the band misses the recording.
    """

    name: str
    label: str
    symbol: str
    unit: str
    middle: float
    low: float
    high: float
    before_low: float
    before_high: float
    ratio: float
    left: float
    determined: str
    is_asked: bool


@dataclass(frozen=True)
class ResistancePart:
    """One part of the resistance: mean torque while the muscle is stretched, N m, and its share of the whole."""

    name: str
    middle: float
    low: float
    high: float
    share: float


@dataclass(frozen=True)
class FittedCourse:
    """Data and fit of one recording over time: `recorded` and `fitted` (with the 95 % band of a new recording) of the
    fitted channel, the angle (deg), and what resists (median, N m), part by part.
    """

    name: str
    time_s: Float[np.ndarray, " sample"]
    angle_deg: Float[np.ndarray, " sample"]
    recorded: Float[np.ndarray, " sample"]
    fitted: Float[np.ndarray, " sample"]
    low: Float[np.ndarray, " sample"]
    high: Float[np.ndarray, " sample"]
    parts: Mapping[str, Float[np.ndarray, " sample"]]
    emg_mv: Float[np.ndarray, " sample"] | None
    speed: float


@dataclass(frozen=True)
class StretchFit:
    """All that a fit says. `channel` and `unit` name what was fitted, `words` what the recording does not tell.

    `draws` holds equally weighted draws of each number, in its unit.
    """

    test: str
    joint: str
    weight_kg: float
    stature_m: float
    channel: str
    unit: str
    estimates: tuple[Estimate, ...]
    parts: tuple[ResistancePart, ...]
    pairs: tuple[tuple[str, str, float], ...]
    words: tuple[str, ...]
    courses: tuple[FittedCourse, ...]
    noise: float
    model_error: float
    agreement: Agreement
    effective: float
    pareto: float
    draws: Mapping[str, Float[np.ndarray, " draw"]]

    @property
    def asked(self) -> tuple[Estimate, ...]:
        """The numbers that a user asks for."""
        return tuple(estimate for estimate in self.estimates if estimate.is_asked)


def fit(
    recordings: Sequence[Recording],
    test: str,
    joint: str = _PENDULUM_JOINT,
    *,
    weight: str | None = None,
    height: str | None = None,
    shank_length: str | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> StretchFit:
    """Fit recordings of one person, in 64-bit.

    Parameters
    ----------
    recordings
        One pendulum test, or one or more imposed stretches of the same joint.
    test
        "pendulum" (the angle is fitted) or "ramp" (the torque is fitted, the angle is given).
    joint
        One of `JOINTS`; a pendulum test is of the knee.
    weight, height, shank_length
        Body size with units, instead of what the files say.
    seed
        Start of the random draws.
    progress
        Called with a stage and the share of it that is done.

    Raises
    ------
    RecordingError
        Not such a test, or a recording that a fit cannot use.
    """
    sizes = {"weight": weight, "height": height, "shank_length": shank_length}
    body, model, prepared = _begun(recordings, test, joint, sizes)
    key = _streams.keys(seed, _streams.Purpose.FIT, jnp.zeros(1, int)).hashed()[0]
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    traces = [(one.channel, one.averaged, one.step) for one in prepared]
    drawn = sample(Posterior.of(model, traces), rng, progress)
    result = _result(test, body, model, prepared, drawn, rng)
    return replace(result, words=(*left_out.told(recordings, test), *result.words))


def check(recordings: Sequence[Recording], test: str, joint: str, sizes: Mapping[str, str | None]) -> None:
    """Refuse what `fit` would refuse, with the body's `sizes` by name; nothing is fitted.

    Raises
    ------
    RecordingError
        Not such a test, or a recording or a body that a fit cannot use.
    """
    _begun(recordings, test, joint, sizes)


def _begun(
    recordings: Sequence[Recording], test: str, joint: str, sizes: Mapping[str, str | None]
) -> tuple[Body, Model, list[Prepared]]:
    """Return all that a fit begins with."""
    session.begin()
    _check(recordings, test, joint)
    body = body_of(recordings, joint, sizes)
    return body, *_model(recordings, test, body, stepped_constants())


def _check(recordings: Sequence[Recording], test: str, joint: str) -> None:
    if test not in TESTS:
        raise RecordingError(unknown("test", test, TESTS, "Give one of them."))
    if joint not in JOINTS:
        raise RecordingError(unknown("joint", joint, JOINTS, "Give one of them."))
    if not recordings:
        raise RecordingError("no recording was given. Allowed: one or more files. Name a file.")
    name = recordings[0].name
    if test == "pendulum" and joint != _PENDULUM_JOINT:
        do = "Use --joint knee, or --test ramp with a torque."
        raise refuse(name, "the joint", joint, "A pendulum test is of the knee: the shank is let go.", do)
    if test == "pendulum" and len(recordings) > 1:
        do = "Fit them one by one; several files are for stretches at several speeds."
        raise refuse(
            recordings[1].name, "the file", f"{len(recordings)} files", "One pendulum test is fitted at a time.", do
        )
    for k, one in enumerate(recordings):
        if any(np.array_equal(one.angle_deg, other.angle_deg) for other in recordings[:k]):
            raise refuse(
                one.name, "the file", "the same recording twice", "It would count double.", "Name each recording once."
            )


def _model(
    recordings: Sequence[Recording], test: str, body: Body, constants: ReflexConstants
) -> tuple[Model, list[Prepared]]:
    if test == "pendulum":
        one = prepare_swing(recordings[0], body)
        assert one.begin is not None
        return Swing(body, swing_priors(body, one.begin), constants, one.time), [one]
    each = [prepare_stretch(r, body, constants) for r in recordings]
    stretches = tuple(one.stretch for one in each if one.stretch is not None)
    names = RAMP_FALLING if body.joint.strength else RAMP
    return Stretches(body, priors(names, body.joint, body.ceiling), constants, stretches), each


def swing_priors(body: Body, begin: Begin) -> Priors:
    """Return what is known before a swing is fitted: the start is what is seen of it."""
    known = priors(PENDULUM, body.joint, body.ceiling)
    doubts = {"start_angle": (begin.angle, begin.angle_doubt), "release": (0.0, begin.time_doubt)}
    each = []
    for one in known.each:
        more, doubt = doubts.get(one.name, (0.0, 0.0))
        each.append(replace(one, middle=one.middle + more, spread=float(np.hypot(one.spread, doubt))))
    return Priors(tuple(each))


def _result(
    test: str, body: Body, model: Model, prepared: list[Prepared], drawn: Sample, rng: np.random.Generator
) -> StretchFit:
    known = model.priors
    values = known.values(drawn.z)
    resisting = model.resistance(drawn.z)
    factor = _weight_error(values.shape[1], rng) if test == "pendulum" else np.ones(values.shape[1])
    is_torque = np.array([prior.unit.startswith("N m") for prior in known.each])
    values = np.where(is_torque[:, None], values * factor, values)
    torque = {name: np.asarray(getattr(resisting, name)) * factor for name in (*PARTS, "total")}
    draws = dict(zip(known.names, values, strict=True))
    parts = _parts(torque, np.concatenate([one.moving for one in prepared]))
    most = float(np.hypot(*(one.middle * np.exp(MOST * one.spread) for one in known.each[-NOISE:])))
    courses = _courses(prepared, model.predict(drawn.z), most, torque)
    ends = [(c.low, c.high) for c in courses]
    fits = agreement([c.recorded for c in courses], [c.fitted for c in courses], ends, most)
    estimates = tuple(
        _estimate(prior, draws[prior.name], float(np.median(z)), fits.holds)
        for prior, z in zip(known.each, drawn.z, strict=True)
    )
    pairs = _pairs(drawn.z, known)
    is_cut = any(one.begin is not None and one.begin.is_missing for one in prepared)
    return StretchFit(
        test=test,
        joint=body.joint.name,
        weight_kg=body.weight_kg,
        stature_m=body.stature_m,
        channel="angle" if test == "pendulum" else "torque",
        unit="deg" if test == "pendulum" else "N m",
        estimates=estimates,
        parts=parts,
        pairs=pairs,
        words=(
            *meaning.agrees(fits, estimates, "deg" if test == "pendulum" else "N m", is_cut=is_cut),
            *meaning.words(estimates, pairs, parts, [one.speed for one in prepared if test == "ramp"], drawn),
        ),
        courses=courses,
        noise=float(np.median(values[-2])),
        model_error=float(np.median(values[-1])),
        agreement=fits,
        effective=drawn.effective,
        pareto=drawn.pareto,
        draws=draws,
    )


def _weight_error(draws: int, rng: np.random.Generator) -> Float[np.ndarray, " draw"]:
    """Return draws of the error of the segment's weight: a swing is the same for every common factor of all torques."""
    error = parameters.load("inference").spread("body_torque", "1").sd_log
    return np.exp(error * rng.standard_normal(draws))


def _estimate(prior: Prior, draws: Float[np.ndarray, " draw"], left: float, holds: bool) -> Estimate:
    low, middle, high = (float(x) for x in np.quantile(draws, MIDDLE_95))
    spread = float(np.std(np.log(draws) if prior.is_log else draws))
    reach = Z_95 * prior.spread
    ends = (
        (prior.middle * np.exp(-reach), prior.middle * np.exp(reach))
        if prior.is_log
        else (prior.middle - reach, prior.middle + reach)
    )
    below, above = parameters.load("inference").values(determined_below="1", undetermined_above="1")
    ratio = spread / prior.spread
    determined = "missed" if not holds else "yes" if ratio < below else "no" if ratio > above else "partly"
    return Estimate(
        prior.name, prior.label, prior.symbol, prior.unit, middle, low, high, float(ends[0]), float(ends[1]), ratio,
        left, determined, prior.name in ASKED,
    )  # fmt: skip


def _pairs(z: Float[np.ndarray, "number draw"], known: Priors) -> tuple[tuple[str, str, float], ...]:
    """Return the pairs of tissue and reflex that the recording does not tell apart, the closest first."""
    limit = parameters.load("inference").value("entangled_above", "1")
    names = [name for name in known.names if name in (*ASKED, "slack_angle", "depression")]
    # Draws that are all the same, where a fit misses its recording, tell no correlation.
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = np.nan_to_num(np.corrcoef(z[[known.index(name) for name in names]]))
    found = [
        (names[i], names[j], float(alike[i, j]))
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if abs(alike[i, j]) > limit
    ]
    return tuple(sorted(found, key=lambda pair: -abs(pair[2])))


def _parts(torque: Resistance, moving: Bool[np.ndarray, " sample"]) -> tuple[ResistancePart, ...]:
    """Return the mean of every part of the resistance while the muscle is stretched."""
    # A swing stretches while the angle grows: damping then resists.
    rising = (torque["viscous"] > 0.0) & moving[:, None]
    count = np.maximum(rising.sum(axis=0), 1)
    means = {name: (torque[name] * rising).sum(axis=0) / count for name in PARTS}
    whole = means["neural"] + means["passive"]
    out = []
    for name, mean in means.items():
        low, middle, high = (float(x) for x in np.percentile(mean, [2.5, 50.0, 97.5]))
        out.append(ResistancePart(name, middle, low, high, float(np.median(mean / np.where(whole == 0.0, 1.0, whole)))))
    return tuple(out)


def _courses(
    prepared: list[Prepared],
    predicted: Float[np.ndarray, "sample draw"],
    most: float,
    torque: Resistance,
) -> tuple[FittedCourse, ...]:
    parts = {name: np.median(series, axis=1) for name, series in torque.items()}
    out, at = [], 0
    for one in prepared:
        here = slice(at, at := at + one.time.size)
        mine = {name: series[here] for name, series in parts.items()}
        fitted = np.median(predicted[here], axis=1)
        low, high = band(predicted[here], one.channel - fitted, most, LEVEL)
        out.append(
            FittedCourse(one.name, one.time, one.angle, one.channel, fitted, low, high, mine, one.emg, one.speed)
        )
    return tuple(out)
