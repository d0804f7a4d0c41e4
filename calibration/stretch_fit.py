"""Is a fitted recording as sure as it says? Simulation-based calibration of `eutonia fit-stretch`.

    python calibration/stretch_fit.py [--test pendulum|ramp] [--people 208] [--first 0] [--out FILE.csv]
    python calibration/stretch_fit.py --summary --out FILE.csv [--test pendulum|ramp]
    python calibration/stretch_fit.py --examples examples

People are drawn from the priors of the fit, their recordings simulated with finer steps than the fit uses, noise and
sampling as a laboratory has them, and fitted by the same path as a file. If the intervals are right, the truth lies in
the 50, 80 and 95 % interval in 50, 80 and 95 % of people, and its rank among the draws is uniform. With --out every
person is a line of a file, and a run that was broken off goes on from there. What the last runs gave is in
`calibration/stretch_fit.md`, person by person in `stretch_fit_pendulum.csv` and `stretch_fit_ramp.csv`.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Mapping
from pathlib import Path

import jax

from eutonia import session

session.begin()

import equinox as eqx  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from scipy import stats  # noqa: E402

from eutonia import parameters  # noqa: E402
from eutonia.errors import RecordingError  # noqa: E402
from eutonia.inference.forward import Body  # noqa: E402
from eutonia.inference.noise import LEAST, MOST  # noqa: E402
from eutonia.inference.priors import ASKED, NOISE, PENDULUM, RAMP, Priors, priors  # noqa: E402
from eutonia.inference.recording import Recording  # noqa: E402
from eutonia.inference.stretch_fit import StretchFit, fit  # noqa: E402
from eutonia.limb.joint import joint  # noqa: E402
from eutonia.limb.swing import Limb, ReflexConstants, at_rest, follow, swing, torques  # noqa: E402
from eutonia.simulation.bedside import stepped_constants  # noqa: E402

# Of this the fit means something else than the simulation: it counts release from the first movement seen.
_NOT_COMPARED = ("release",)
WEIGHT_KG, HEIGHT_M = 70.0, 1.7
LEVELS = (0.5, 0.8, 0.95)
# Steps of the simulated truth in one reflex delay; the fit uses fewer.
STEPS = 50
# Sampling rates, Hz; noise of the angle sensor of a motor, deg; speeds, deg/s; the motor's path; how soft its corners.
PENDULUM_HZ, RAMP_HZ, ENCODER_DEG = 100.0, 500.0, 0.02
SPEEDS, FROM_DEG, TO_DEG, CORNER_S = (20.0, 90.0, 250.0), 10.0, 110.0, 0.01
HELD_S, WATCHED_S, AFTER_S = 0.4, 5.6, 1.2
# A leg is let go anywhere between these angles, deg.
STARTS_DEG = (-5.0, 25.0)
# And about so long after it was held, s.
RELEASED_S = (-0.1, 0.1)


def body() -> Body:
    """Return the body of everybody."""
    return Body(joint("knee"), WEIGHT_KG, HEIGHT_M)


def known(test: str) -> Priors:
    """Return the priors of a test."""
    return priors(PENDULUM if test == "pendulum" else RAMP, body().joint, body().ceiling)


def limb_of(truth: Mapping[str, float]) -> Limb:
    """Return the limb of one person, built from the records and not by the fit."""
    of, ceiling = body().joint, body().ceiling
    one = jnp.ones(1)
    zero = jnp.deg2rad(truth.get("angle_offset", 0.0)) * one
    return Limb(
        inertia=of.inertia(WEIGHT_KG, HEIGHT_M) * one,
        gravity=of.gravity(WEIGHT_KG, HEIGHT_M) * truth.get("pace", 1.0) * one,
        horizontal=zero,
        load=0.0 * one,
        damping=truth["damping"] * one,
        stiffness=truth["stiffness"] * one,
        rest_angle=jnp.deg2rad(truth["slack_angle"]) * one,
        stop_torque=of.stop_torque * ceiling * one,
        stop_rate=of.stop_rate / of.range_rad * one,
        low=zero,
        high=of.stop_from * of.range_rad + zero,
        background=truth["background"] * one,
        threshold=jnp.deg2rad(truth["threshold"]) * one,
        velocity_sensitivity=truth["velocity_sensitivity"] * one,
        gain=truth["gain"] * one,
        ceiling=ceiling * one,
        depression=truth["depression"] * one,
    )


@eqx.filter_jit
def _fall(
    limb: Limb, start: jax.Array, letting_go: jax.Array, constants: ReflexConstants
) -> tuple[jax.Array, jax.Array]:
    begin = at_rest(start, limb, steps=STEPS, letting_go=letting_go)
    motion = swing(limb, begin, constants, 120, steps=STEPS, kept=1)
    return motion.time, motion.angle[:, 0]


@eqx.filter_jit
def _stretched(limb: Limb, angle: jax.Array, velocity: jax.Array, constants: ReflexConstants) -> jax.Array:
    motion, _ = follow(limb, angle[:, None], velocity[:, None], constants, steps=STEPS)
    return torques(motion, limb, constants).total[:, 0]


def noisy(values: np.ndarray, noise: float, error: float, step: float, rng: np.random.Generator) -> np.ndarray:
    """Add noise of the sensor and an error that stays alike for a while, drawn in time and not as the fit has it."""
    time = parameters.load("inference").value("model_error_time", "s")
    # White noise through a bell of this width has the correlation exp(-(t/2 time)^2).
    width = np.sqrt(2.0) * time
    at = np.arange(-5.0 * width, 5.0 * width + step, step)
    bell = np.exp(-((at / width) ** 2))
    smooth = np.convolve(rng.standard_normal(values.size + at.size - 1), bell / np.linalg.norm(bell), "valid")
    return values + noise * rng.standard_normal(values.size) + error * smooth


def pendulum_recording(truth: Mapping[str, float], rng: np.random.Generator, name: str = "simulated") -> Recording:
    """Simulate the recording of one pendulum test: a leg held level, let go, and filmed at 100 Hz."""
    start, letting_go = jnp.deg2rad(jnp.full(1, truth["start_angle"])), jnp.asarray(truth["letting_go"])
    moved, angle = _fall(limb_of(truth), start, letting_go, stepped_constants())
    at = np.arange(0.0, HELD_S + WATCHED_S, 1.0 / PENDULUM_HZ)
    seen = np.interp(at - HELD_S - truth["release"], np.asarray(moved), np.rad2deg(np.asarray(angle)))
    seen = noisy(seen, truth["angle_noise"], truth["angle_model_error"], 1.0 / PENDULUM_HZ, rng)
    return _recording(name, at, seen, None)


def ramp_recording(
    truth: Mapping[str, float], speed: float, rng: np.random.Generator, name: str = "simulated"
) -> Recording:
    """Simulate one stretch by a motor and the hold after it, sampled at 500 Hz."""
    constants = stepped_constants()
    step = float(constants.delay) / STEPS
    at = np.arange(0.0, HELD_S + (TO_DEG - FROM_DEG) / max(SPEEDS[0], 1.0) + AFTER_S, step)
    # A ramp whose corners are rounded by a bell shape: in closed form, for differences would blur its acceleration.
    ends = [(at - end) / CORNER_S for end in (HELD_S, HELD_S + (TO_DEG - FROM_DEG) / speed)]
    below, bell = ([shape(x) for x in ends] for shape in (stats.norm.cdf, stats.norm.pdf))
    soft = [CORNER_S * (x * share + height) for x, share, height in zip(ends, below, bell, strict=True)]
    angle = FROM_DEG + speed * (soft[0] - soft[1])
    velocity, acceleration = speed * (below[0] - below[1]), speed / CORNER_S * (bell[0] - bell[1])
    torque = np.asarray(_stretched(limb_of(truth), jnp.deg2rad(angle), jnp.deg2rad(velocity), constants))
    inertia = float(body().joint.inertia(WEIGHT_KG, HEIGHT_M))
    torque = torque + truth["torque_offset"] + truth["inertia_left"] * inertia * np.deg2rad(acceleration)
    keep = slice(0, int((HELD_S + (TO_DEG - FROM_DEG) / speed + AFTER_S) / step), round(1.0 / RAMP_HZ / step))
    torque = noisy(torque[keep], truth["torque_noise"], truth["torque_model_error"], 1.0 / RAMP_HZ, rng)
    return _recording(name, at[keep], angle[keep] + ENCODER_DEG * rng.standard_normal(torque.size), torque)


def _recording(name: str, at: np.ndarray, angle: np.ndarray, torque: np.ndarray | None) -> Recording:
    lines = np.arange(at.size) + 2
    header = {"weight": f"{WEIGHT_KG:g} kg", "height": f"{HEIGHT_M:g} m"}
    return Recording(name, at, angle, torque, None, lines, header)


def person(test: str, who: int) -> tuple[dict[str, float], list[Recording]]:
    """Return the truth and the recordings of one person."""
    rng = np.random.default_rng([2026, len(test), who])
    prior = known(test)
    z = rng.standard_normal((len(prior.each), 1))
    # Noise and error of the model have ends.
    z[-NOISE:] = stats.truncnorm.ppf(stats.norm.cdf(z[-NOISE:]), LEAST, MOST)
    values = prior.values(z)[:, 0]
    truth = {name: float(value) for name, value in zip(prior.names, values, strict=True)}
    if test == "pendulum":
        # The start is seen, wherever it is.
        truth["start_angle"] += rng.uniform(*STARTS_DEG)
        # The clock of a recording is nobody's prior: what is known of the release is that little is known.
        truth["release"] = rng.uniform(*RELEASED_S)
        recordings = [pendulum_recording(truth, rng)]
        # A swing is the same for every common factor of weight and torques: the truth may have any.
        error = parameters.load("inference").spread("body_torque", "1").sd_log
        factor = float(np.exp(error * rng.standard_normal()))
        for one in prior.each:
            truth[one.name] *= factor if one.unit.startswith("N m") else 1.0
        return truth, recordings
    return truth, [ramp_recording(truth, speed, rng, f"simulated at {speed:g} deg/s") for speed in SPEEDS]


#: A moderately spastic knee: the third row of the severity ladder, and what else a fit allows for.
EXAMPLE = {
    "threshold": 86.0,
    "velocity_sensitivity": 0.2,
    "gain": 35.0,
    "background": 1.2,
    "stiffness": 1.3,
    "damping": 0.35,
    "slack_angle": 75.0,
    "depression": 0.35,
    "pace": 1.0,
    "start_angle": 2.0,
    "angle_offset": 0.0,
    "release": 0.0,
    "letting_go": 0.0,
    "angle_noise": 0.3,
    "angle_model_error": 0.0,
    "torque_offset": 0.2,
    "inertia_left": 0.0,
    "torque_noise": 0.2,
    "torque_model_error": 0.0,
}


def write_examples(folder: Path) -> None:
    """Write the recordings of one made-up person: a pendulum test, and stretches at each speed."""
    rng = np.random.default_rng(1)
    made = {"pendulum": pendulum_recording(EXAMPLE, rng)}
    made |= {f"ramp_{speed:.0f}": ramp_recording(EXAMPLE, speed, rng) for speed in SPEEDS}
    asked = ", ".join(f"{name} {EXAMPLE[name]:g}" for name in ASKED)
    for name, r in made.items():
        every = slice(None, None, 1 if r.torque_nm is None else 2)
        columns = {"time_s": (r.time_s, 3), "angle_deg": (r.angle_deg, 2)}
        columns |= {} if r.torque_nm is None else {"torque_Nm": (r.torque_nm, 3)}
        lines = ["# SIMULATED by Eutonia, no person: for trying out eutonia fit-stretch", f"# truth: {asked}"]
        lines += [f"# {key} = {value}" for key, value in r.header.items()]
        rows = zip(*([f"{x:.{digits}f}" for x in values[every]] for values, digits in columns.values()), strict=True)
        text = "\n".join([*lines, ",".join(columns), *(",".join(row) for row in rows)])
        (folder / f"{name}_simulated.csv").write_text(text + "\n", encoding="utf-8")


def ranks_of(result: StretchFit, truth: Mapping[str, float]) -> dict[str, float]:
    """Return the share of draws below the truth, number by number."""
    return {one.name: float(np.mean(result.draws[one.name] < truth[one.name])) for one in result.estimates}


def table(ranks: Mapping[str, np.ndarray]) -> str:
    """Return coverage, with what luck allows of the widest, and the chance that ranks so uneven are uniform."""
    heads = "".join(f"{level:8.0%}" for level in LEVELS)
    lines = [f"{'number':24}{heads}   95% held (binomial)   uniform p (ten bins)"]
    least = 1.0
    for name, rank in ranks.items():
        held = [np.abs(rank - 0.5) < level / 2 for level in LEVELS]
        ends = stats.binomtest(int(held[-1].sum()), rank.size).proportion_ci(method="exact")
        chance = stats.chisquare(np.histogram(rank, bins=10, range=(0.0, 1.0))[0]).pvalue
        least = min(least, chance)
        inside = "".join(f"{one.mean():8.2f}" for one in held)
        lines.append(f"{name:24}{inside}      {ends.low:.2f} to {ends.high:.2f}     {chance:12.3f}")
    every = np.abs(np.concatenate(list(ranks.values())) - 0.5)
    lines.append(f"{'all':24}" + "".join(f"{np.mean(every < level / 2):8.2f}" for level in LEVELS))
    lines.append(f"smallest p of {len(ranks)} numbers: {least:.3f}, of chance {1.0 - (1.0 - least) ** len(ranks):.2f}")
    return "\n".join(lines)


def done(out: Path | None) -> list[dict[str, str]]:
    """Return the people of an earlier run."""
    if out is None or not out.exists():
        return []
    with out.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def fitted(test: str, who: int) -> dict[str, str]:
    """Fit one person and return a row: ranks of the truth, and how hard the search was."""
    truth, recordings = person(test, who)
    row = {"person": str(who), "refused": ""}
    try:
        result = fit(recordings, test)
    except RecordingError as error:  # counted and shown
        return row | {"refused": " ".join(str(error).split())[:150]}
    ranks = {name: f"{rank:.5f}" for name, rank in ranks_of(result, truth).items() if name not in _NOT_COMPARED}
    return row | {"effective": f"{result.effective:.1f}", "pareto": f"{result.pareto:.3f}"} | ranks


def main() -> None:
    """Simulate, fit and print coverage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--test", choices=("pendulum", "ramp"), default="pendulum")
    parser.add_argument("--people", type=int, default=208)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--examples", type=Path, help="write the example recordings into this folder, and stop")
    parser.add_argument("--summary", action="store_true", help="print what the file of --out holds, and fit nobody")
    given = parser.parse_args()
    if given.examples is not None:
        write_examples(given.examples)
        return
    names = [name for name in known(given.test).names if name not in _NOT_COMPARED]
    rows = done(given.out)
    before = {row["person"] for row in rows}
    for who in range(given.first, given.first + (0 if given.summary else given.people)):
        if str(who) in before:
            continue
        began = time.perf_counter()
        rows.append(row := fitted(given.test, who))
        if given.out is not None:
            with given.out.open("a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, ["person", "refused", "effective", "pareto", *names], restval="")
                if file.tell() == 0:
                    writer.writeheader()
                writer.writerow(row)
        said = row["refused"] or f"{row['effective']} draws count, tail {row['pareto']}"
        print(f"{who}: {said}, {time.perf_counter() - began:.1f} s", flush=True)
    told = [row for row in rows if not row["refused"]]
    rough = sum(float(row["pareto"]) > 0.7 or float(row["effective"]) < 40 for row in told)
    print(f"{given.test}: {len(told)} people fitted, {len(rows) - len(told)} refused, {rough} marked as rough")
    print(table({name: np.array([float(row[name]) for row in told]) for name in names}))


if __name__ == "__main__":
    main()
